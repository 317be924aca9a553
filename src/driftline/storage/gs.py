"""Google Cloud Storage under `gs://bucket/key`."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

from driftline.storage.access import Access
from driftline.storage.clients import Surroundings, client_options, retry_config, surroundings
from driftline.storage.clouds import Cloud, Permissions
from driftline.storage.uris import Place

PERMISSIONS = Permissions(
    read="storage.objects.get",
    list="storage.objects.list",
    write="storage.objects.create",
    delete="storage.objects.delete",
    credentials="Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file.",
)


def gs(access: Access) -> Cloud:
    """The storage. Credentials are what obstore finds: `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SERVICE_ACCOUNT`,
    gcloud's own, the instance's; a key file or another endpoint by `access` or `GOOGLE_BASE_URL`.
    """
    return Cloud(partial(_store_of, access), PERMISSIONS)


def location(access: Access) -> dict[str, str]:
    """The options for obstore and delta-rs beyond what they find in the environment."""
    found: dict[str, str] = {}
    if access.endpoint_url:
        found["google_base_url"] = access.endpoint_url
    if access.key_file:
        found["google_service_account"] = access.key_file
    if access.anonymous:
        found["google_skip_signature"] = "true"
    return found


def _store_of(access: Access, place: Place) -> Any:
    return _kept(access, place.bucket, surroundings("GOOGLE_", "CLOUDSDK_", "HOME"))


@lru_cache(maxsize=32)
def _kept(access: Access, bucket: str, _: Surroundings) -> Any:
    from obstore.store import GCSStore

    options = client_options(access.endpoint_url)
    return GCSStore(bucket, config=location(access), client_options=options, retry_config=retry_config())
