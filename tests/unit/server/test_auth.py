"""Who calls: scopes, keys that are deleted, and what a client is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from driftline.catalog import Catalog, keys
from driftline.errors import Denied
from driftline.server.auth import REMEMBERED_SECONDS, CatalogKeys, Principal, caller
from driftline.server.errors import AwsError
from driftline.server.messages import Received

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    made = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    made.migrate()
    return made


def test_a_changed_secret_holds_after_two_seconds(catalog: Catalog) -> None:
    moment = [0.0]
    known = CatalogKeys(catalog, lambda: moment[0])
    for secret in ("first", "second"):
        with catalog.begin() as tx:
            keys.put_access_key(tx, keys.AccessKey("DLKEY", secret), note="", now=NOW)
        assert known.secret_of("DLKEY") == "first"
    moment[0] += REMEMBERED_SECONDS
    assert known.secret_of("DLKEY") == "second"
    assert known.secret_of("DLOTHER") is None


def test_an_api_key_is_known_by_its_digest_only(catalog: Catalog) -> None:
    with catalog.begin() as tx:
        key = keys.create_api_key(tx, "ci", ["read"], now=NOW)
    known = CatalogKeys(catalog, lambda: 0.0)
    found = caller(Received("GET", "/", "", {"authorization": f"Bearer {key}"}, b""), known, now=NOW)
    assert found.scopes == {"read"}
    assert key not in repr(found)
    with catalog.begin() as tx:
        keys.delete_api_key(tx, "ci")
    with pytest.raises(AwsError) as caught:
        caller(Received("GET", "/", "", {"authorization": f"Bearer {key}"}, b""), known, now=NOW)
    assert caught.value.told.status == 401
    assert key not in caught.value.told.message


def test_a_scope_that_is_not_allowed_says_which_is_needed() -> None:
    with pytest.raises(Denied, match="scope 'write'"):
        Principal("key:ab", frozenset({"read"})).require("write")
