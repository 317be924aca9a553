"""The command line: what each command is called; a command's module is imported only when it runs."""

from __future__ import annotations

import os
import sys
import traceback
from io import TextIOWrapper
from types import TracebackType

from cyclopts import App, CycloptsError

from driftline.commands.examples import epilogue
from driftline.errors import DriftlineError
from driftline.version import VERSION

NONE, VIOLATIONS, FAILED = 0, 1, 2
"""Exit statuses: nothing to report; violations; anything else, crashes included."""

HELP = """Learn what normal looks like in a model's data, and say when it changes.

Try `driftline demo`, or on your own data:

    driftline baseline train.parquet --output baseline/
    driftline check today.parquet --baseline baseline/ --html report.html
"""

COMMANDS = {
    "baseline": "Learn statistics and constraints from data: statistics.json and constraints.json.",
    "check": "Check data against a baseline: violations with value, limit and reason.",
    "profile": "Show the statistics of data, or save them as a profile that merges.",
    "script": "Try a preprocessing script on the first records: its rows, or the line at which it fails.",
    "access": "What a bucket's owner must allow an importer: policies, tag, Terraform; or check that it is allowed.",
    "demo": "Walk through real data that comes with Driftline.",
    "serve": "Serve SageMaker's API, and plan and run schedules and jobs.",
    "worker": "Run jobs and executions beside a server, on this or another machine.",
    "audit": "Who changed what on a server, when, and over which interface.",
    "grafana": "A Grafana dashboard over a server's metrics, as JSON to import.",
}

GROUPS = {
    "schedules": "Monitoring schedules of a server: show, run now, back-fill, check, start, stop, delete.",
    "executions": "What ran for schedules: status, reasons, violations, logs; run again or replay.",
    "jobs": "Processing jobs: baselines, runs of schedules and replays, with their logs.",
    "imports": "Folders of inference files that become monitored rows: tried, made, followed, edited.",
    "monitors": "Monitors of models on imported rows: made, run over any window, and the rows behind an alarm.",
    "alerts": "What fires for models: rules, acknowledged and snoozed alerts, channels, deliveries, maintenance.",
    "models": "Models, their versions and the schemas of these.",
    "endpoints": "Registered endpoints: which models they call and what they capture.",
    "credentials": "How a server reaches buckets: roles, endpoints, references to secrets; and what buckets must show.",
    "keys": "API keys and access keys of a server.",
}
"""Commands with commands of their own, which ask a running server; their modules hold their examples."""

EXAMPLES = {
    "baseline": """
        driftline baseline train.csv --output baseline/
        driftline baseline 's3://logs/2026/10/*.parquet' --output s3://models/churn/baseline --exclude id,timestamp
        """,
    "check": """
        driftline check today.parquet --baseline baseline/ --output report/ --html report.html
        driftline check s3://logs/2026/11/ --baseline s3://models/churn/baseline --output s3://reports/churn
        driftline check capture/ --baseline baseline/ --measure psi=0.2 --measure age:ks=0.1 --json

        Exit status: 0 no violations, 1 violations, 2 anything else.
        """,
    "profile": """
        driftline profile data.parquet
        zcat data.csv.gz | driftline profile -
        driftline profile s3://logs/2026/11/20/ --save 2026-11-20.profile
        driftline profile '2026-11-*.profile' --json
        """,
    "script": """
        driftline script test preprocess.py s3://bucket/data-capture/churn/AllTraffic/2026/11/20/13/
        driftline script test preprocess.py train.csv --rows 20 --json

        Exit status: 0 the script took all of these records, 2 anything else.
        """,
    "access": """
        driftline access s3://acme-logs/churn/ --principal arn:aws:iam::123456789012:role/driftline
        driftline access s3://acme-logs/churn/ --provider arn:aws:iam::123456789012:oidc-provider/ID --terraform
        driftline access s3://acme-logs/churn/ --credentials acme --check

        Exit status: 0 done, 1 where --check found something missing, 2 anything else.
        """,
    "demo": """
        driftline demo --output demo-output
        """,
    "serve": """
        driftline serve
        driftline serve --local-s3
        DRIFTLINE_DATABASE_URL=postgresql://driftline@db/driftline driftline serve --host 0.0.0.0 --port 8766
        """,
    "worker": """
        DRIFTLINE_DATABASE_URL=postgresql://driftline@db/driftline driftline worker
        """,
    "grafana": """
        driftline grafana > dashboard.json
        """,
    "audit": """
        driftline audit
        driftline audit --who key:ada --since 2026-11-20
        driftline audit --kind 'alert rule' --subject churn/moved --json

        Exit status: 0 done, 2 anything else.
        """,
}
"""Shown below the help of a command."""

_STANDARD_INPUT = "/dev/stdin"
"""What `-` means: the parser of the command line takes a lone hyphen for an option without a name."""


app = App(name="driftline", help=HELP, help_format="markdown", version=VERSION)
for _name, _said in COMMANDS.items():
    _module = f"driftline.commands.{_name}"
    app.command(f"{_module}:{_name}", name=_name, help=_said, help_epilogue=epilogue(EXAMPLES[_name]))
for _name, _said in GROUPS.items():
    app.command(f"driftline.commands.{_name}:app", name=_name, help=_said)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the result is the exit status."""
    sys.excepthook = _crash
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal or pipe that lacks a character shows a question mark
            stream.reconfigure(errors="replace")
    given = [_STANDARD_INPUT if each == "-" else each for each in (sys.argv[1:] if arguments is None else arguments)]
    try:
        status = app(given, exit_on_error=False, print_error=True, result_action="return_value")
    except CycloptsError:
        return FAILED
    except DriftlineError as error:
        print(f"driftline: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("driftline: stopped", file=sys.stderr)
        return FAILED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status if isinstance(status, int) else NONE


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A defect of ours: the whole trace, and exit status 2 instead of Python's 1, which means violations here."""
    traceback.print_exception(kind, error, trace)
    print("driftline: this is a defect; please report it with the lines above", file=sys.stderr)
    sys.stdout.flush()
    os._exit(FAILED)
