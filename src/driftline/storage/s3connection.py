"""A connection to one S3 endpoint, as the AWS tools would make it, kept while nothing it rests on changes."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import urlsplit

from driftline.errors import Invalid
from driftline.storage.access import Access
from driftline.storage.clients import (
    ATTEMPTS,
    CONNECT_SECONDS,
    READ_SECONDS,
    Surroundings,
    client_options,
    retry_config,
    surroundings,
)
from driftline.storage.s3errors import told
from driftline.storage.s3roles import KEPT, session_of
from driftline.storage.secrets import Keys, keys_of

_lock = RLock()


class Connection:
    """boto3's client, and obstore's stores with the same endpoint, region and credentials; threads may share it."""

    def __init__(self, access: Access, core: Any) -> None:
        """`core` is botocore's session, which knows the configuration; raises boto3's errors."""
        import boto3

        self._access = access
        self._core = core
        self._session = boto3.Session(botocore_session=core, region_name=access.region)
        self.client = self._session.client("s3", endpoint_url=access.endpoint_url, config=_config(access, given=False))
        self.endpoint: str = self.client.meta.endpoint_url
        self.given = _is_given(self.endpoint)
        if self.given:
            self.client = self._session.client("s3", endpoint_url=self.endpoint, config=_config(access, given=True))
        self._stores: dict[str, Any] = {}
        self._others: dict[tuple[str, str | None, str | None], Any] = {}

    def store(self, bucket: str) -> Any:
        """obstore's store of a bucket; raises `ValueError` or an error of obstore where there can be none."""
        with _lock:
            if bucket not in self._stores:
                self._stores[bucket] = self._make_store(bucket)
            return self._stores[bucket]

    def _make_store(self, bucket: str) -> Any:
        from obstore.store import S3Store

        config: dict[str, Any] = {"region": self._region_of(bucket), "virtual_hosted_style_request": "false"}
        if self.given:
            config |= {"endpoint": self.endpoint, "aws_endpoint_url_s3": self.endpoint}
        if self._access.anonymous:
            config["skip_signature"] = "true"
            return S3Store(bucket, config=config, client_options=self._options(), retry_config=retry_config())
        from obstore.auth.boto3 import Boto3CredentialProvider

        return S3Store(
            bucket,
            config=config,
            client_options=self._options(),
            retry_config=retry_config(),
            credential_provider=Boto3CredentialProvider(self._core, ttl=KEPT),
        )

    def _options(self) -> dict[str, Any]:
        options = client_options(self.endpoint)
        authorities = self._core.get_config_variable("ca_bundle")
        if authorities and not options.get("allow_http"):
            options["root_certificate"] = Path(authorities).read_bytes()
        return options

    def _region_of(self, bucket: str) -> str:
        """Where the bucket lies. Only Amazon's endpoints care; they say it even to those whom they deny access."""
        from botocore.exceptions import ClientError

        configured = str(self.client.meta.region_name or "us-east-1")
        if self.given:
            return configured
        try:
            answer = self.client.head_bucket(Bucket=bucket)
        except ClientError as error:
            answer = error.response
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        return str(headers.get("x-amz-bucket-region", configured))

    def other(self, kind: str, *, endpoint_url: str | None = None, region: str | None = None) -> Any:
        """A client of another kind, such as `sqs`, with the same credentials; kept, since it is made slowly."""
        with _lock:
            key = (kind, endpoint_url, region)
            if key not in self._others:
                config = _config(self._access, given=True)
                self._others[key] = self._session.client(
                    kind, endpoint_url=endpoint_url, region_name=region or self.client.meta.region_name, config=config
                )
            return self._others[key]

    def location(self) -> dict[str, str]:
        """What delta-rs needs to reach the same place with the same credentials; holds secrets, never log it."""
        found = {"aws_region": str(self.client.meta.region_name or "us-east-1")}
        found |= {"max_retries": str(ATTEMPTS - 1), "retry_timeout": "30s", "connect_timeout": f"{CONNECT_SECONDS}s"}
        if self.given:
            found |= {"aws_endpoint_url": self.endpoint, "aws_virtual_hosted_style_request": "false"}
            found |= {"aws_allow_http": "true"} if self.endpoint.startswith("http://") else {}
        if self._access.anonymous:
            return {**found, "aws_skip_signature": "true"}
        credentials = self._session.get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            found |= {"aws_access_key_id": frozen.access_key, "aws_secret_access_key": frozen.secret_key}
            found |= {"aws_session_token": frozen.token} if frozen.token else {}
        return found


def connect(access: Access, uri: str, action: str) -> Connection:
    """The connection for `access`; errors tell that `action` on `uri` was wanted."""
    with _lock, told(uri, action):
        try:
            return _kept(access, keys_of(access), surroundings("AWS_", "BOTO", "HOME"))
        except ValueError as error:
            given = access.endpoint_url or str(error)
            expected = "http://host:port or https://host"
            raise Invalid(what="endpoint", got=given, expected=expected, remedy="Correct the endpoint URL.") from error


@lru_cache(maxsize=16)
def _kept(access: Access, keys: Keys | None, _: Surroundings) -> Connection:
    return Connection(access, session_of(access, keys))


def _let_go() -> None:
    """A forked process must not write into the sockets of its parent."""
    _kept.cache_clear()
    _lock.release()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_let_go)


def _config(access: Access, *, given: bool) -> Any:
    """boto3's settings, as few as possible, since they override what users wrote into theirs.

    Servers other than Amazon's often do not know the checksums that boto3 adds of late.
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    settings: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "max_pool_connections": 32,
    }
    if access.anonymous:
        settings["signature_version"] = UNSIGNED
    if given:
        settings |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    return Config(**settings)


def _is_given(endpoint: str) -> bool:
    """Whether an endpoint is not one of Amazon's own.

    >>> _is_given("https://s3.eu-west-1.amazonaws.com"), _is_given("http://127.0.0.1:9000")
    (False, True)
    """
    host = urlsplit(endpoint).hostname or ""
    return not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"))
