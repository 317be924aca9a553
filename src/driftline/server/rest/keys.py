"""Keys: API keys for this API, access keys for AWS's; secrets are shown when they are made, and never again.

Administrators of some spaces see, make and delete the keys of these spaces alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter

from driftline.catalog import keys
from driftline.errors import NotFound
from driftline.server.aws.wire import Call
from driftline.server.rest.answers import AccessKey, ApiKey, NewAccessKey, NewApiKey, Page
from driftline.server.rest.asked import AccessKeyId, AccessKeyWanted, KeyName, KeyWanted
from driftline.server.rest.callers import Appointing

router = APIRouter(tags=["keys"])


@router.get("/keys", summary="List API keys")
def list_keys(call: Appointing) -> Page[ApiKey]:
    """All API keys by name, without the keys themselves."""
    with call.catalog.read() as tx:
        found = [each for each in keys.api_keys(tx) if _governs(call, each.spaces)]
    return Page(
        items=[
            ApiKey(name=each.name, scopes=sorted(each.scopes), spaces=sorted(each.spaces), created=each.created)
            for each in found
        ]
    )


@router.post("/keys", summary="Make an API key", status_code=201)
def create_key(call: Appointing, wanted: KeyWanted) -> NewApiKey:
    """A new API key, shown this once. 409 if the name is taken; 403 for spaces of others."""
    scopes: list[str] = sorted(set(wanted.scopes))
    spaces = _governed(call, wanted.spaces)
    with call.catalog.begin() as tx:
        key = keys.create_api_key(tx, wanted.name, scopes, spaces, now=call.now)
    return NewApiKey(name=wanted.name, scopes=scopes, spaces=spaces, key=key)


@router.delete("/keys/{name}", summary="Delete an API key", status_code=204)
def delete_key(call: Appointing, name: KeyName) -> None:
    """Refuse the key from now on."""
    with call.catalog.begin() as tx:
        if not _governs(call, keys.get_api_key(tx, name).spaces):
            raise NotFound(what="API key", name=name)
        keys.delete_api_key(tx, name)


@router.get("/access-keys", summary="List access keys")
def list_access_keys(call: Appointing) -> Page[AccessKey]:
    """All access keys, oldest first, without their secrets."""
    with call.catalog.read() as tx:
        found = [each for each in keys.access_keys(tx) if _governs(call, each.spaces)]
    return Page(
        items=[
            AccessKey(
                id=each.id,
                note=each.note,
                scopes=sorted(each.scopes),
                spaces=sorted(each.spaces),
                created=each.created,
            )
            for each in found
        ]
    )


@router.post("/access-keys", summary="Make an access key", status_code=201)
def create_access_key(call: Appointing, wanted: AccessKeyWanted) -> NewAccessKey:
    """A new access key, whose secret is shown this once. 403 for spaces of others.

    SageMaker's own resources are of the space `default`.
    """
    made = keys.new_access_key(wanted.scopes, _governed(call, wanted.spaces))
    with call.catalog.begin() as tx:
        keys.put_access_key(tx, made, note=wanted.note, now=call.now)
    return NewAccessKey(id=made.id, secret=made.secret, scopes=sorted(made.scopes), spaces=sorted(made.spaces))


@router.delete("/access-keys/{id}", summary="Delete an access key", status_code=204)
def delete_access_key(call: Appointing, id: AccessKeyId) -> None:
    """Refuse signatures by the key, within two seconds."""
    with call.catalog.begin() as tx:
        found = keys.find_access_key(tx, id)
        if found is None or not _governs(call, found.spaces):
            raise NotFound(what="access key", name=id)
        keys.delete_access_key(tx, id)


def _governs(call: Call, spaces: Iterable[str]) -> bool:
    """Whether the caller is an administrator of all these spaces."""
    return all(call.principal.may("admin", each) for each in spaces)


def _governed(call: Call, spaces: Iterable[str]) -> list[str]:
    """The spaces as they are kept; raises `Denied` if the caller is not an administrator of one."""
    found = keys.checked(spaces)
    for each in found:
        call.principal.require("admin", each)
    return found
