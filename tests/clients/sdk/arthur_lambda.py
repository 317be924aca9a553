"""Runs a Lambda function as AWS does: its file is loaded once, its handler is given events; prints what it printed.

Arguments: the file, and a file with the events, a list of JSON.
"""

from __future__ import annotations

import json
import runpy
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any


def main(code: str, events: str) -> dict[str, Any]:
    """What the function printed for each event, and what it raised."""
    handler = runpy.run_path(code)["lambda_handler"]
    found = []
    for event in json.loads(Path(events).read_text()):
        printed, raised = StringIO(), ""
        with redirect_stdout(printed):
            try:
                handler(event, None)
            except Exception as error:  # noqa: BLE001  whatever the function raises, AWS tries it again later
                raised = str(error)
        found.append({"printed": printed.getvalue().splitlines(), "raised": raised})
    return {"events": found}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
