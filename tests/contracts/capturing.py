"""A program that captures calls as fast as it may, and writes down each call once it is answered: made to be killed.

Run as `capturing.py JOURNAL DESTINATION RUN`; the answers go to standard output, a line each.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time

from driftline.captures import CaptureLogger, Journal, Limits

LIMITS = Limits(seconds=0.03, segment_bytes=8_000)


def main() -> None:
    """Capture until the end comes."""
    folder, destination, run = sys.argv[1:]
    logger = CaptureLogger(destination, endpoint="churn", journal=Journal(folder, limits=LIMITS))
    for thread in range(3):
        threading.Thread(target=_work, args=(logger, f"{run}-{thread}"), daemon=True).start()
    time.sleep(60)


def _work(logger: CaptureLogger, name: str) -> None:
    for number in itertools.count():
        call = f"{name}-{number}"
        logger.log(input="41,0.5,red" * (1 + number % 40), output="0.83", inference_id=call)
        os.write(1, f"{call}\n".encode())
        time.sleep(0.002)


if __name__ == "__main__":
    main()
