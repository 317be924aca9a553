"""`driftline baseline`: what normal looks like."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from driftline.commands.console import finish, plan, watching
from driftline.commands.monitoring import Monitoring, local_of
from driftline.commands.options import Options
from driftline.runs import learn


def baseline(
    *inputs: str,
    output: Annotated[str, Parameter(name=["--output", "-o"])],
    monitoring: Monitoring | None = None,
    options: Options | None = None,
) -> int:
    """Learn statistics and constraints from data.

    Parameters
    ----------
    inputs
        Files, globs, folders, s3:// (gs://, az://) URIs or prefixes, saved profiles, or - for standard input.
    output
        A folder or prefix for statistics.json and constraints.json.
    """
    options, monitoring = options or Options(), monitoring or Monitoring()
    manifest = monitoring.manifest(inputs, options)
    if options.dry_run:
        return plan(manifest, options)
    local = local_of(manifest)
    with watching(inputs, options) as watched:
        learnt = learn(manifest, replace(watched, local=local))
    written = learnt.save(output, options.access)
    written += local.save(output, options.access) if local is not None else ()
    finish(learnt, {**learnt.to_dict(), "problems": learnt.problems.to_dict()}, written, options)
    return 0
