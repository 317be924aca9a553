"""Azure Blob Storage under `az://container/key`, and `abfss://container@account.dfs.core.windows.net/key`."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from driftline.storage.access import Access
from driftline.storage.clients import Surroundings, client_options, retry_config, surroundings
from driftline.storage.clouds import Cloud, Permissions
from driftline.storage.secrets import read
from driftline.storage.uris import Place

PERMISSIONS = Permissions(
    read="Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    list="Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
    write="Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    delete="Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
    credentials="Set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or another credential.",
)


def az(access: Access) -> Cloud:
    """The storage. Account and credentials are what obstore finds: `AZURE_STORAGE_ACCOUNT_NAME`,
    `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_KEY`, `AZURE_CLIENT_ID` and so on; another endpoint by `access` or
    `AZURE_ENDPOINT`.
    """
    return Cloud(partial(_store_of, access), PERMISSIONS)


def location(access: Access, place: Place) -> dict[str, str]:
    """The options for obstore and delta-rs beyond what they find in the environment.

    >>> location(Access(), Place.of("abfss://logs@acme.dfs.core.windows.net/a"))
    {'azure_storage_account_name': 'acme'}
    """
    found: dict[str, str] = {}
    _, at, host = place.bucket.partition("@")
    if at:
        found["azure_storage_account_name"] = host.partition(".")[0]
    if access.account:
        found["azure_storage_account_name"] = access.account
    if access.secret_key:
        found["azure_storage_account_key"] = read(access.secret_key, "secret_key")
    if access.endpoint_url:
        found["azure_storage_endpoint"] = access.endpoint_url
    if access.anonymous:
        found["azure_skip_signature"] = "true"
    return found


def _store_of(access: Access, place: Place) -> Any:
    config = tuple(location(access, Place(place.scheme, place.bucket, "")).items())
    return _kept(access.endpoint_url, place.bucket, config, surroundings("AZURE_", "IDENTITY_", "MSI_", "HOME"))


@lru_cache(maxsize=32)
def _kept(endpoint_url: str | None, bucket: str, config: tuple[tuple[str, str], ...], _: Surroundings) -> Any:
    from obstore.store import AzureStore

    options = client_options(endpoint_url)
    container = bucket.partition("@")[0]
    return AzureStore(container, config=dict(config), client_options=options, retry_config=retry_config())
