"""Data Capture without SageMaker: calls to models, written to objects as SageMaker writes them.

```python
from driftline.captures import CaptureLogger

logger = CaptureLogger("s3://bucket/captured", endpoint="churn")
logger.log(input="41,0.5,red", output="0.83", inference_id="order-17")
```
"""

from driftline.captures.config import CaptureConfig
from driftline.captures.journal import Counts, Journal, Limits
from driftline.captures.logger import CaptureLogger
from driftline.captures.middleware import CaptureMiddleware
from driftline.captures.record import Exchange, Payload
from driftline.captures.recorder import Recorder

__all__ = [
    "CaptureConfig",
    "CaptureLogger",
    "CaptureMiddleware",
    "Counts",
    "Exchange",
    "Journal",
    "Limits",
    "Payload",
    "Recorder",
]
