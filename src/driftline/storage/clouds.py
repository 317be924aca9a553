"""Objects of a store that obstore knows: what Google Cloud Storage and Azure have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from driftline.errors import Denied, DriftlineError, Invalid, NotFound, StorageUnavailable, Unreadable
from driftline.storage.ranges import FIRST, Ranges, stream
from driftline.storage.storage import PAGE, Object, refuse_key
from driftline.storage.uris import Place

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Permissions:
    """How one cloud calls what may be missing, and what to do about credentials."""

    read: str
    list: str
    write: str
    delete: str
    credentials: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """A storage over obstore; `store_of` gives the obstore store of a place's bucket, and may keep it."""

    store_of: Callable[[Place], Any]
    permissions: Permissions

    def list(self, prefix: str) -> Iterator[Object]:
        """Every object below `prefix` in the byte order of the keys, the object itself first if there is one."""
        place = Place.of(prefix)
        with _told(prefix, self.permissions.list, self.permissions):
            store, itself = self.store_of(place), None
            if place.key and not place.key.endswith("/"):
                itself = _head(store, place.key)
        if itself is not None:
            yield _object(place, itself)
        with _told(prefix, self.permissions.list, self.permissions):
            below = [_object(place, found) for page in store.list(place.folder or None) for found in page]
        yield from sorted(below, key=lambda each: each.uri)

    def scan(self, prefix: str, *, after: str | None = None) -> Iterator[Sequence[Object]]:
        """Pages of 1,000 objects, the object itself first if there is one."""
        place, offset = Place.of(prefix), Place.of(after).key if after else None
        with _told(prefix, self.permissions.list, self.permissions):
            store = self.store_of(place)
            itself = _head(store, place.key) if place.key and place.folder != place.key else None
            pages = iter(store.list(place.folder or None, offset=offset, chunk_size=PAGE))
        if itself is not None and (offset is None or itself["path"] > offset):
            yield [_object(place, itself)]
        while True:
            with _told(prefix, self.permissions.list, self.permissions):
                page = next(pages, None)
            if page is None:
                return
            yield [_object(place, found) for found in page]

    def open(self, uri: str) -> BinaryIO:
        """A stream of the version that is there now; should the object change meanwhile, reading fails."""
        place = Place.of(uri)
        with _told(uri, self.permissions.read, self.permissions):
            store = self.store_of(place)
            size, version, first = leading(store, place.key)

        def fetch(start: int, stop: int) -> Any:
            with _told(uri, self.permissions.read, self.permissions):
                return ranged(store, place.key, start, stop, version).bytes()

        return stream(Ranges(fetch, size, version, first))

    def put(self, uri: str, data: bytes, *, kms_key: str | None = None) -> None:
        """Write the whole object; raises `Invalid` for a key of AWS KMS."""
        refuse_key(uri, kms_key)
        place = Place.of(uri)
        with _told(uri, self.permissions.write, self.permissions):
            self.store_of(place).put(place.key, data)

    def put_if_absent(self, uri: str, data: bytes) -> bool:
        """Write by a conditional request."""
        from obstore.exceptions import AlreadyExistsError

        place = Place.of(uri)
        with _told(uri, self.permissions.write, self.permissions):
            try:
                self.store_of(place).put(place.key, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def delete(self, uri: str) -> None:
        """Remove the object."""
        place = Place.of(uri)
        with _told(uri, self.permissions.delete, self.permissions):
            try:
                self.store_of(place).delete(place.key)
            except FileNotFoundError:
                return


def leading(store: Any, key: str) -> tuple[int, str, Any]:
    """Size in bytes, version and the first bytes of an object, by one request if it is not empty."""
    from obstore import exceptions

    try:
        answer = store.get(key, options={"range": (0, FIRST)})
        return int(answer.meta["size"]), str(answer.meta["e_tag"] or ""), answer.bytes()
    except (exceptions.BaseError, ValueError) as error:
        # An empty object has no first byte, and stores say so in different words.
        found = _head(store, key) if "range" in str(error).lower() else None
        if found is None or found["size"]:
            raise
        return 0, str(found["e_tag"] or ""), b""


def ranged(store: Any, key: str, start: int, stop: int, version: str) -> Any:
    """obstore's answer to a request for some bytes of one version of an object."""
    options: dict[str, Any] = {"range": (start, stop)}
    if version:
        options["if_match"] = version
    return store.get(key, options=options)


def _head(store: Any, key: str) -> Any:
    try:
        return store.head(key)
    except FileNotFoundError:
        return None


def _object(place: Place, found: Any) -> Object:
    return Object(place.uri(found["path"]), int(found["size"]), str(found["e_tag"] or ""), found["last_modified"])


@contextmanager
def _told(uri: str, action: str, permissions: Permissions) -> Iterator[None]:
    """Turn obstore's errors into ours."""
    from obstore import exceptions

    try:
        yield
    except DriftlineError:
        raise
    except FileNotFoundError as error:
        raise NotFound(what="object", name=uri, remedy="Check the bucket and the key.") from error
    except exceptions.PermissionDeniedError as error:
        raise Denied(action=action, resource=uri, remedy="Grant it to these credentials.") from error
    except exceptions.UnauthenticatedError as error:
        raise Denied(action=action, resource=uri, remedy=permissions.credentials) from error
    except exceptions.PreconditionError as error:
        raise Unreadable(uri=uri, reason="it changed while it was read", remedy="Read it again.") from error
    except exceptions.InvalidPathError as error:
        remedy = "Rename the object: empty segments, `.` and `..` cannot be read here."
        raise Invalid(what="key", got=uri, expected="a key without empty or dot segments", remedy=remedy) from error
    except (exceptions.BaseError, ValueError, OSError) as error:
        raise _untold(uri, action, permissions, error) from error


def _untold(uri: str, action: str, permissions: Permissions, error: Exception) -> DriftlineError:
    """For what obstore only tells in words; a missing credential is the commonest."""
    words = " ".join(str(error).split("\n\nDebug source:")[0].split())
    lowered = words.lower()
    if "container not found" in lowered or "nosuchbucket" in lowered or "containernotfound" in lowered:
        return NotFound(what="bucket", name=Place.of(uri).bucket, remedy="Check its name.")
    if any(word in lowered for word in ("credential", "token request", "account must", "access key")):
        return Denied(action=action, resource=uri, remedy=permissions.credentials + f" ({words[:200]})")
    return StorageUnavailable(where=uri, reason=words[:300])
