"""Whether a place can be read: every action that a job needs, tried on the real thing, told by name and resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from driftline.errors import CallerError, DataError, Denied, DriftlineError, Unavailable
from driftline.imports.chosen import choose
from driftline.imports.job import Place
from driftline.imports.ownership import prove
from driftline.storage import queues, uris
from driftline.storage.buckets import key_of_object, region_of
from driftline.storage.s3errors import arn
from driftline.storage.storage import Object
from driftline.storage.storages import Access, storage_for

_S3 = ("s3", "s3a")
_PAGES = 5
"""Pages that are looked through for a file to try."""


@dataclass(frozen=True)
class Step:
    """One action on one resource: whether it went well, in words; None if it could not be tried."""

    action: str
    resource: str
    passed: bool | None
    said: str


def check(place: Place, access: Access, *, key: str | None = None) -> tuple[Step, ...]:
    """Try what a job on this place needs, in the order in which it needs it; never raises for what is amiss there.

    With a space's ingestion `key` the proof of the bucket's owner is a step too. Nothing is written, and a message of
    a queue stays there. Where a role cannot be assumed or the bucket is not there, what follows is not tried.
    """
    return tuple(_steps(place, access, key))


def is_passed(steps: tuple[Step, ...]) -> bool:
    """Whether no step failed."""
    return all(each.passed is not False for each in steps)


def _steps(place: Place, access: Access, key: str | None) -> Iterator[Step]:
    on_s3 = uris.scheme_of(place.uri) in _S3
    names = _names(place)
    if on_s3:
        located = _tried("s3:GetBucketLocation", names["bucket"], partial(_located, place, access))
        yield located
        if located.passed is False and located.action != "s3:GetBucketLocation":
            return
    found: list[Object] = []
    listed = _tried(names["list"], names["bucket"], partial(_listed, place, access, found))
    yield listed
    if found:
        yield from _read(place, access, found[0], names["get"])
    elif listed.passed:
        yield Step(names["get"], place.uri, None, "there is no file yet to try it on")
    if key is not None:
        yield _proved(place, access, key)
    if place.events is not None and place.events.startswith(("http://", "https://")):
        wanted = partial(_heard, place.events, access)
        yield _tried("sqs:ReceiveMessage", queues.arn_of(place.events), wanted)


def _names(place: Place) -> dict[str, str]:
    """How the store calls what is done, and on what."""
    scheme = uris.scheme_of(place.uri)
    if scheme in ("", "file"):
        return {"list": "list", "get": "read", "bucket": place.uri}
    found = uris.Place.of(place.uri)
    if scheme in _S3:
        return {"list": "s3:ListBucket", "get": "s3:GetObject", "bucket": arn(found, "s3:ListBucket")}
    read = "storage.objects.get" if scheme == "gs" else "blobs/read"
    return {
        "list": "storage.objects.list" if scheme == "gs" else "blobs/read",
        "get": read,
        "bucket": f"{found.scheme}://{found.bucket}",
    }


def _tried(action: str, resource: str, do: Callable[[], str]) -> Step:
    """The step, under the name of what is really missing: to assume a role, say."""
    try:
        return Step(action, resource, True, do())
    except Denied as denied:
        return Step(str(denied.facts["action"]), str(denied.facts["resource"]), False, str(denied))
    except (CallerError, DataError, Unavailable) as error:
        return Step(action, resource, False, str(error))


def _located(place: Place, access: Access) -> str:
    found, asked = region_of(place.uri, access)
    if found != asked:
        raise Elsewhere(uris.Place.of(place.uri).bucket, found, asked)
    return f"in {found}"


class Elsewhere(CallerError):
    """bucket {bucket} is in {found}, but requests are sent to {asked}. Give region {found} in the credentials."""

    def __init__(self, bucket: str, found: str, asked: str) -> None:
        """Regions by their codes."""
        DriftlineError.__init__(self, bucket=bucket, found=found, asked=asked)


def _listed(place: Place, access: Access, found: list[Object]) -> str:
    """How many objects the first pages have; the first file, if there is one, goes into `found`."""
    count = 0
    for number, page in enumerate(storage_for(place.uri, access).scan(place.uri)):
        count += len(page)
        found += choose(place, page).objects[:1]
        if found or number + 1 == _PAGES:
            return f"{count:,} objects on the first {number + 1} pages"
    return f"{count:,} objects, none of them a file of the job" if count else "nothing there yet"


def _read(place: Place, access: Access, found: Object, action: str) -> Iterator[Step]:
    on_s3 = uris.scheme_of(place.uri) in _S3
    resource = arn(uris.Place.of(found.uri), action) if on_s3 else found.uri
    read = _tried(action, resource, partial(_opened, found.uri, access))
    if read.action == "kms:Decrypt":
        yield Step(action, resource, True, "the object may be got")
    yield read
    if on_s3 and read.passed:
        key = key_of_object(found.uri, access)
        if key is not None:
            yield Step("kms:Decrypt", key, True, "the object could be decrypted")


def _opened(uri: str, access: Access) -> str:
    with storage_for(uri, access).open(uri) as stream:
        return f"read {len(stream.read(1)) or 'no'} byte of {uri}"


def _proved(place: Place, access: Access, key: str) -> Step:
    on_s3 = uris.scheme_of(place.uri) in _S3
    action = "s3:GetBucketTagging" if on_s3 else "proof of the owner"

    def proved() -> str:
        proof = prove(place, access, key)
        if not proof.proved:
            raise Unproved(proof.said)
        return proof.said

    return _tried(action, _names(place)["bucket"], proved)


class Unproved(CallerError):
    """{said}"""

    def __init__(self, said: str) -> None:
        """What is missing."""
        DriftlineError.__init__(self, said=said)


def _heard(url: str, access: Access) -> str:
    queues.try_out(url, access)
    return "the queue answers"
