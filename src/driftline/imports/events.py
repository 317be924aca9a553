"""What stores say of new objects: S3's events in every wrapping, MinIO's, Ceph's, SeaweedFS's, Google's and Azure's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from driftline.errors import Invalid
from driftline.imports.chosen import Chosen, Passed, choose, root_of
from driftline.imports.job import Place
from driftline.storage import uris
from driftline.storage.storage import Object
from driftline.storage.storages import Access, storage_for

GONE = (
    "Error getting object {} from bucket {}. Make sure they exist and your bucket is in the same region as this"
    " function."
)
"""What AWS's example of a function says of an object that is not there."""

_CREATED = ("ObjectCreated", "ObjectRestore:Completed")
_LOOKERS = 8
_DEPTH = 5
"""An event in a notification in a message in a function's event: no store wraps deeper."""

Names = tuple[str, ...]
"""The URIs that an event may mean: stores differ in how they encode keys."""


@dataclass(frozen=True)
class Told:
    """The objects that a message names; `confirm` is what its sender wants to be answered, once, before it sends."""

    objects: tuple[Names, ...] = ()
    confirm: Mapping[str, str] | None = None


def read(message: bytes | str) -> Told:
    """What a message says; of removals and tests nothing. Raises `Invalid` for what is no message of a store.

    >>> record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a/x+y%2B.csv"}}}
    >>> read(json.dumps({"Records": [record]})).objects
    (('s3://b/a/x y+.csv', 's3://b/a/x+y%2B.csv'),)
    """
    return told_by(_parsed(message))


def told_by(document: Any) -> Told:
    """As `read`, of a message that was parsed."""
    if not isinstance(document, dict | list):
        raise Invalid(what="event", got=type(document).__name__, expected="JSON of an object store's event")
    confirm = next(filter(None, map(_handshake, document if isinstance(document, list) else [document])), None)
    return Told((), confirm) if confirm else Told(tuple(dict.fromkeys(_objects(document, _DEPTH))))


def within(place: Place, told: Iterable[Names]) -> list[Names]:
    """Those that lie in a place, each with the names that do."""
    root = root_of(place)
    inside = (tuple(uri for uri in names if uri.startswith(root) or uri == place.uri) for names in told)
    return [names for names in inside if names]


def look_for(place: Place, told: Iterable[Names], access: Access) -> Chosen:
    """The objects as they are now, wherever they lie in the place: events say where to look, never what is there.

    So events that come twice, late or in another order do no harm, and nobody can invent an object by sending one.
    Those that are gone are among what is passed over. Raises what `Storage.list` raises.
    """
    wanted = list(dict.fromkeys(within(place, told)))
    if not wanted:
        return Chosen()

    def one(names: Names) -> Object | None:
        return next((found for uri in names if (found := _now(uri, access)) is not None), None)

    with ThreadPoolExecutor(min(_LOOKERS, len(wanted))) as threads:
        found = list(threads.map(one, wanted))
    objects = {each.uri: each for each in found if each is not None}
    gone = tuple(_gone(names[0]) for names, each in zip(wanted, found, strict=True) if each is None)
    chosen = choose(place, objects.values())
    return replace(chosen, passed=(*chosen.passed, *gone))


def _gone(uri: str) -> Passed:
    named = uris.Place.of(uri)
    return Passed(Object(uri, 0), GONE.format(named.key, named.bucket))


def _now(uri: str, access: Access) -> Object | None:
    found = next(iter(storage_for(uri, access).list(uri)), None)
    return found if found is not None and found.uri == uri else None


def _parsed(message: bytes | str) -> Any:
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Invalid(what="event", got=_shown(message), expected="JSON of an object store's event") from error
    if not isinstance(document, dict | list):
        raise Invalid(what="event", got=_shown(message), expected="JSON of an object store's event")
    return document


def _shown(message: bytes | str) -> str:
    return (message.decode("utf-8", "replace") if isinstance(message, bytes) else message)[:200]


def _objects(document: Any, depth: int) -> Iterator[Names]:
    """The objects of a message, whatever it is wrapped in."""
    if depth == 0:
        raise Invalid(what="event", got="a message in a message in a message", expected="an object store's event")
    if isinstance(document, str):
        document = _parsed(document)
    if isinstance(document, list):
        yield from chain.from_iterable(_objects(each, depth - 1) for each in document)
        return
    if not isinstance(document, dict):
        raise Invalid(what="event", got=_shown(json.dumps(document)), expected="JSON of an object store's event")
    for is_one, meant in _SHAPES:
        if is_one(document):
            yield from meant(document, depth)
            return
    names = ", ".join(sorted(map(str, document))[:20])
    remedy = "Known are those of S3 (also in SNS, SQS, EventBridge), MinIO, Ceph, SeaweedFS, Google Cloud and Azure."
    raise Invalid(what="event", got=f"an object with {names or 'nothing'}", expected="a store's event", remedy=remedy)


def _member(document: Any, *path: str) -> Any:
    """What lies at the end of a path of members; None if there is no such thing."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _text(document: Any, *path: str) -> str:
    found = _member(document, *path)
    if not isinstance(found, str) or not found:
        raise Invalid(what="event", got=f"no {'.'.join(path)}", expected="the name of a bucket and of an object")
    return found


def _records(document: Any, depth: int) -> Iterator[Names]:
    records = document["Records"]
    for each in records if isinstance(records, list) else []:
        if _member(each, "s3") is not None:
            yield from _record(each)
        else:
            yield from _objects(_member(each, "body") or _member(each, "Sns") or each, depth - 1)


def _record(record: Any) -> Iterator[Names]:
    """A record as S3, MinIO and Ceph write it: keys are encoded as in forms, but not by all versions of all of them."""
    name = str(_member(record, "eventName") or "ObjectCreated")
    if any(created in name for created in _CREATED):
        bucket, key = _text(record, "s3", "bucket", "name"), _text(record, "s3", "object", "key")
        yield _names("s3", bucket, unquote_plus(key), key)


def _names(scheme: str, bucket: str, *keys: str) -> Names:
    return tuple(dict.fromkeys(f"{scheme}://{bucket}/{key}" for key in keys))


def _wrapped(document: Any, depth: int) -> Iterator[Names]:
    """SNS, and SQS with a message of SNS in it."""
    yield from _objects(_text(document, "Message"), depth - 1)


def _eventbridge(document: Any, _depth: int) -> Iterator[Names]:
    """Its keys are not encoded."""
    if document["detail-type"] in ("Object Created", "Object Restore Completed"):
        yield _names("s3", _text(document, "detail", "bucket", "name"), _text(document, "detail", "object", "key"))


def _seaweedfs(document: Any, _depth: int) -> Iterator[Names]:
    """A change of the filer: `/buckets/BUCKET/KEY`; folders are told too."""
    entry = _member(document, "message", "new_entry")
    moved = _member(document, "message", "new_parent_path")
    path = f"{moved}/{_member(entry, 'name')}" if moved else str(document["key"])
    bucket, _, key = path.removeprefix("/buckets/").partition("/")
    if entry is not None and not _member(entry, "is_directory") and path.startswith("/buckets/") and key:
        yield _names("s3", bucket, key)


def _pubsub(document: Any, _depth: int) -> Iterator[Names]:
    """Google's Pub/Sub, pushed."""
    attributes = _member(document, "message", "attributes")
    if _member(attributes, "eventType") in (None, "OBJECT_FINALIZE"):
        yield _names("gs", _text(attributes, "bucketId"), _text(attributes, "objectId"))


def _google(document: Any, _depth: int) -> Iterator[Names]:
    """Google's object itself, as Eventarc sends it."""
    yield _names("gs", _text(document, "bucket"), _text(document, "name"))


def _azure(document: Any, _depth: int) -> Iterator[Names]:
    """Azure's Event Grid, in its own and in CloudEvents' form."""
    if (document.get("eventType") or document.get("type")) != "Microsoft.Storage.BlobCreated":
        return
    parts = urlsplit(_text(document, "data", "url"))
    container, _, key = unquote(parts.path.lstrip("/")).partition("/")
    account = (parts.hostname or "").partition(".")[0]
    long = tuple(f"{scheme}://{container}@{account}.dfs.core.windows.net/{key}" for scheme in ("abfss", "abfs"))
    yield (f"az://{container}/{key}", *long)


def _nothing(_document: Any, _depth: int) -> Iterator[Names]:
    """A test that a store sends when it is told where to send to."""
    return iter(())


def _handshake(document: Any) -> Mapping[str, str] | None:
    """The answer that Azure's Event Grid wants to the code that it sends first."""
    if _member(document, "eventType") != "Microsoft.EventGrid.SubscriptionValidationEvent":
        return None
    return {"validationResponse": _text(document, "data", "validationCode")}


def _kind(document: Any) -> str:
    return str(document.get("eventType") or document.get("type") or "")


_Shape = tuple[Callable[[Any], bool], Callable[[Any, int], Iterator[Names]]]
_SHAPES: tuple[_Shape, ...] = (
    (lambda one: "Records" in one, _records),
    (lambda one: one.get("Event") == "s3:TestEvent", _nothing),
    (lambda one: "Message" in one, _wrapped),
    (lambda one: "detail-type" in one and "detail" in one, _eventbridge),
    (lambda one: "event_type" in one and "key" in one, _seaweedfs),
    (lambda one: isinstance(_member(one, "message", "attributes"), dict), _pubsub),
    (lambda one: one.get("kind") == "storage#object", _google),
    (lambda one: _kind(one).startswith("Microsoft."), _azure),
)
"""How a message is known, and what it says."""
