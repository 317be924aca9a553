"""Azure Blob Storage under `az://container/key`, and `abfss://container@account.dfs.core.windows.net/key`."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from driftline.storage.access import Access
from driftline.storage.clients import Surroundings, client_options, retry_config, surroundings
from driftline.storage.clouds import Cloud, Permissions
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
    if access.endpoint_url:
        found["azure_storage_endpoint"] = access.endpoint_url
    if access.anonymous:
        found["azure_skip_signature"] = "true"
    return found


def _store_of(access: Access, place: Place) -> Any:
    return _kept(access, place.scheme, place.bucket, surroundings("AZURE_", "IDENTITY_", "MSI_", "HOME"))


@lru_cache(maxsize=32)
def _kept(access: Access, scheme: str, bucket: str, _: Surroundings) -> Any:
    from obstore.store import AzureStore

    config = location(access, Place(scheme, bucket, ""))
    options = client_options(access.endpoint_url)
    container = bucket.partition("@")[0]
    return AzureStore(container, config=config, client_options=options, retry_config=retry_config())
