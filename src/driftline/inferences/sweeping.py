"""Profiles that are left over: objects, and bytes in objects, that no hour, day or month is in any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from driftline.catalog import hours
from driftline.catalog.database import Begin
from driftline.catalog.hours import Subject
from driftline.inferences.sheetbytes import copied
from driftline.storage.access import Access
from driftline.storage.storages import storage_for


def sweep(begin: Begin, subject: Subject, folder: str, touched: Iterable[str], access: Access) -> int:
    """Remove from the folder of a subject's profiles all that is of no use any more; how many objects went.

    That are objects in which no hour, day or month lies, also those that a killed writer left. Of the objects in
    `touched` what is still needed is written anew, without what else was in them. No batch may be between its
    profiles and its transaction: do it in the lane of the imports, after what was begun was brought to its end, with a
    `begin` as for `rebuild`. Done again, it changes nothing more.
    """
    storage, gone = storage_for(folder, access), 0
    with begin() as tx:
        named = hours.objects(tx, subject)
    for uri in sorted({*touched} & named.keys()):
        _rewrite(begin, subject, named[uri], folder, access)
    listed = [each.uri for each in storage.list(f"{folder}/")]
    with begin() as tx:  # after the listing: what another worker brings from now on is not in it
        named = hours.objects(tx, subject)
    for each in _unnamed(listed, named, folder):
        storage.delete(each)
        gone += 1
    return gone


def _rewrite(begin: Begin, subject: Subject, places: Sequence[str], folder: str, access: Access) -> None:
    """Write what is at these places into an object of their own, and say so."""
    digest = sha256("\n".join(sorted(places)).encode()).hexdigest()[:32]
    moved = copied(sorted(places), f"{folder}/kept/{digest}.profiles", access)
    with begin() as tx:
        hours.move(tx, subject, moved)


def _unnamed(listed: Sequence[str], named: Mapping[str, Sequence[str]], folder: str) -> list[str]:
    """The listed objects that are not named; none where what is named lies elsewhere, since then names may differ."""
    if any(not uri.startswith(f"{folder}/") for uri in named):
        return []
    return [uri for uri in listed if uri.startswith(f"{folder}/") and uri not in named]
