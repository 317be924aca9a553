"""SageMaker's linear model of the Adult data as a container serves it: JSON lines in, labels and scores out."""

from __future__ import annotations

import json
import math
from contextlib import AbstractContextManager
from pathlib import Path

from answering import answering


def served(path: Path) -> AbstractContextManager[str]:
    """The model behind a URL: `{"features": [...]}` is answered by `{"predicted_label": 0, "score": 0.03}`."""
    model = json.loads(path.read_text())
    weights, bias, threshold = model["weights"], model["bias"], model["threshold"]

    def answer(text: str) -> str:
        found = []
        for line in text.splitlines():
            row = json.loads(line)["features"]
            total = sum(weight * value for weight, value in zip(weights, row, strict=True)) + bias
            score = 1 / (1 + math.exp(-total))
            found.append(json.dumps({"predicted_label": int(score > threshold), "score": score}))
        return "\n".join(found) + "\n"

    return answering(answer, "application/jsonlines")
