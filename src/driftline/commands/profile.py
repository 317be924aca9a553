"""`driftline profile`: the statistics of data, without files."""

from __future__ import annotations

from typing import Any

from driftline.commands.console import finish, plan, watching
from driftline.commands.options import Options
from driftline.documents import summary
from driftline.pages.terminal import Statistics
from driftline.profile import encode
from driftline.reading import observe
from driftline.storage.storages import storage_for


def profile(*inputs: str, save: str | None = None, options: Options | None = None) -> int:
    """Show the statistics of data.

    Parameters
    ----------
    inputs
        Files, globs, folders, s3:// (gs://, az://) URIs or prefixes, saved profiles (which merge), or - for standard
        input.
    save
        Keep the profile in this file (end it with .profile): baseline and check take it in place of the data.
    """
    options = options or Options()
    if options.dry_run:
        return plan(options.manifest(inputs), options)
    with watching(inputs, options) as watched:
        found = observe(options.manifest(inputs), watched)
    written: tuple[str, ...] = ()
    if save is not None:
        storage_for(save, options.access).put(save, encode(found.profile))
        written = (save,)
    document: dict[str, Any] = {**summary.write(found.profile), "problems": found.problems.to_dict()}
    finish(Statistics(found.profile, found.problems), document, written, options)
    return 0
