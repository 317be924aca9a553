"""Whether the owner of a bucket wants a space to read it: shown by a tag of the bucket, or by an object in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from driftline.errors import Denied, NotFound
from driftline.imports.chosen import root_of
from driftline.imports.job import Place
from driftline.settings import Settings
from driftline.storage import uris
from driftline.storage.buckets import tags_of
from driftline.storage.storages import Access, storage_for

TAG = "driftline-ingestion-key"
"""The tag of a bucket that holds a space's ingestion key, or those of several spaces, parted by blanks."""

MARKER = f".{TAG}"
"""The object that holds it where buckets have no tags: at the root of the bucket, or of the prefix."""

_MARKER_BYTES = 4096
_BETWEEN = re.compile(r"[\s,;]+")
_S3 = ("s3", "s3a")


@dataclass(frozen=True)
class Proof:
    """Whether a place is proved, and in words what was found and what is missing."""

    proved: bool
    said: str


def is_asked(settings: Settings) -> bool:
    """Whether jobs need proofs: as the settings say, or if they do not, on servers that others than this machine reach.

    >>> is_asked(Settings(host="0.0.0.0")), is_asked(Settings(host="127.0.0.1")), is_asked(Settings(prove_buckets=True))
    (True, False, True)
    """
    return not settings.is_local if settings.prove_buckets is None else settings.prove_buckets


def refuse_unproved(place: Place, access: Access, key: str) -> None:
    """Raise `Denied` for a place in a bucket that does not show the key; folders of this machine need not."""
    proof = prove(place, access, key)
    if not proof.proved:
        raise Denied(action="import jobs", resource=_bucket(place), remedy=proof.said)


def prove(place: Place, access: Access, key: str) -> Proof:
    """Whether the bucket shows the space's ingestion key.

    Of S3 the tag decides where the server has tags of buckets; elsewhere the marker object. Raises what the storage
    raises, but for a tag that may not be read: that is told as a missing proof.
    """
    scheme = uris.scheme_of(place.uri)
    if scheme in ("", "file"):
        return Proof(True, "a folder needs no proof")
    if scheme not in _S3:
        return _marked(place, access, key)
    try:
        tags = tags_of(place.uri, access)
    except Denied as denied:
        return Proof(False, f"The tag {TAG} cannot be read: {denied} Then set it to {key}.")
    if tags is None:
        return _marked(place, access, key)
    if TAG not in tags:
        return Proof(False, f"The bucket has no tag {TAG}. Its owner must set it to {key}.")
    if key not in keys_in(tags[TAG]):
        return Proof(False, _wrong(f"The bucket's tag {TAG}", tags[TAG], key))
    return Proof(True, f"the bucket's tag {TAG} shows the key")


def keys_in(value: str) -> list[str]:
    """The keys that a tag or marker holds.

    >>> keys_in(" dlk-1, dlk-2 dlk-3\\n")
    ['dlk-1', 'dlk-2', 'dlk-3']
    """
    return [each for each in _BETWEEN.split(value) if each]


def _marked(place: Place, access: Access, key: str) -> Proof:
    roots = dict.fromkeys((f"{_bucket(place)}/{MARKER}", root_of(place) + MARKER))
    storage, wrong = storage_for(place.uri, access), None
    for uri in roots:
        try:
            with storage.open(uri) as stream:
                held = stream.read(_MARKER_BYTES).decode("utf-8", "replace")
        except NotFound:
            continue
        if key in keys_in(held):
            return Proof(True, f"the object {uri} shows the key")
        wrong = _wrong(f"The object {uri}", held, key)
    missing = f"There is neither {' nor '.join(roots)}. Its owner must write one that holds {key}."
    return Proof(False, wrong or missing)


def _wrong(what: str, held: str, key: str) -> str:
    """Without the keys of others."""
    number = len(keys_in(held))
    found = "is empty" if not number else "holds another key" if number == 1 else f"holds {number} other keys"
    return f"{what} {found}. It must hold {key}, beside others if there are, parted by blanks."


def _bucket(place: Place) -> str:
    found = uris.Place.of(place.uri)
    return f"{found.scheme}://{found.bucket}"
