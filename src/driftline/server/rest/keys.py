"""Keys: API keys for this API, access keys for AWS's; secrets are shown when they are made, and never again."""

from __future__ import annotations

from fastapi import APIRouter

from driftline.catalog import keys
from driftline.server.rest.answers import AccessKey, ApiKey, NewAccessKey, NewApiKey, Page
from driftline.server.rest.asked import AccessKeyId, AccessKeyWanted, KeyName, KeyWanted
from driftline.server.rest.callers import Administering

router = APIRouter(tags=["keys"])


@router.get("/keys", summary="List API keys")
def list_keys(call: Administering) -> Page[ApiKey]:
    """All API keys by name, without the keys themselves."""
    with call.catalog.read() as tx:
        found = keys.api_keys(tx)
    return Page(items=[ApiKey(name=each.name, scopes=sorted(each.scopes), created=each.created) for each in found])


@router.post("/keys", summary="Make an API key", status_code=201)
def create_key(call: Administering, wanted: KeyWanted) -> NewApiKey:
    """A new API key, shown this once. 409 if the name is taken."""
    scopes: list[str] = sorted(set(wanted.scopes))
    with call.catalog.begin() as tx:
        key = keys.create_api_key(tx, wanted.name, scopes, now=call.now)
    return NewApiKey(name=wanted.name, scopes=scopes, key=key)


@router.delete("/keys/{name}", summary="Delete an API key", status_code=204)
def delete_key(call: Administering, name: KeyName) -> None:
    """Refuse the key from now on."""
    with call.catalog.begin() as tx:
        keys.delete_api_key(tx, name)


@router.get("/access-keys", summary="List access keys")
def list_access_keys(call: Administering) -> Page[AccessKey]:
    """All access keys, oldest first, without their secrets."""
    with call.catalog.read() as tx:
        found = keys.access_keys(tx)
    return Page(items=[AccessKey(id=each.id, note=each.note, created=each.created) for each in found])


@router.post("/access-keys", summary="Make an access key", status_code=201)
def create_access_key(call: Administering, wanted: AccessKeyWanted) -> NewAccessKey:
    """A new access key, whose secret is shown this once."""
    made = keys.new_access_key()
    with call.catalog.begin() as tx:
        keys.put_access_key(tx, made, note=wanted.note, now=call.now)
    return NewAccessKey(id=made.id, secret=made.secret)


@router.delete("/access-keys/{id}", summary="Delete an access key", status_code=204)
def delete_access_key(call: Administering, id: AccessKeyId) -> None:
    """Refuse signatures by the key, within two seconds."""
    with call.catalog.begin() as tx:
        keys.delete_access_key(tx, id)
