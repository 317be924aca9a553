"""S3 in particular, on a real server: credentials, permissions, endpoints, errors; rows S-01, S-06, D-08."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from s3 import READER, WRITER, Server, running_s3, use

from driftline.errors import Denied, Invalid, NotFound, StorageUnavailable
from driftline.storage.storages import Access, location_for, storage_for

_numbers = count()


@pytest.fixture
def bucket(s3: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with one object, `data/a.csv`, and the surroundings of the administrator."""
    use(monkeypatch, s3.environment())
    name = s3.bucket(f"errors-{next(_numbers)}")
    s3.client().put_object(Bucket=name, Key="data/a.csv", Body=b"a,b\n1,2\n")
    return name


def test_s3_missing_bucket(s3: Server, bucket: str) -> None:
    """D-08: the bucket is named, not the key."""
    storage = storage_for("s3://", Access())
    with pytest.raises(NotFound, match="bucket not found: no-such-bucket"):
        storage.open("s3://no-such-bucket/a.csv")
    with pytest.raises(NotFound, match="bucket not found: no-such-bucket"):
        list(storage.list("s3://no-such-bucket/a"))


def test_s3_denied_names_permission_and_resource(s3: Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-06, D-08: what a policy must allow."""
    storage, uri = storage_for("s3://", Access()), f"s3://{bucket}/data/a.csv"
    use(monkeypatch, s3.environment(WRITER))
    with pytest.raises(Denied, match=f"s3:GetObject on arn:aws:s3:::{bucket}/data/a.csv"):
        storage.open(uri)
    with pytest.raises(Denied, match=rf"s3:ListBucket on arn:aws:s3:::{bucket}\."):
        list(storage.list(uri))
    use(monkeypatch, s3.environment(READER))
    assert storage.open(uri).read() == b"a,b\n1,2\n"
    assert [found.uri for found in storage.list(f"s3://{bucket}")] == [uri]
    with pytest.raises(Denied, match=f"s3:PutObject on arn:aws:s3:::{bucket}/new"):
        storage.put(f"s3://{bucket}/new", b"")
    with pytest.raises(Denied, match="s3:PutObject"):
        storage.put_if_absent(f"s3://{bucket}/new", b"")
    with pytest.raises(Denied, match="s3:DeleteObject"):
        storage.delete(uri)


@pytest.mark.parametrize(
    ("keys", "remedy"),
    [
        (("driftline-admin", "wrong-secret"), "secret does not belong to the access key"),
        (("unknown-key-000", "any-secret"), "does not know this access key"),
    ],
)
def test_s3_wrong_keys(
    s3: Server, bucket: str, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str], remedy: str
) -> None:
    """Signatures are really checked by the server."""
    use(monkeypatch, s3.environment(keys))
    storage = storage_for("s3://", Access())
    with pytest.raises(Denied, match=remedy):
        storage.open(f"s3://{bucket}/data/a.csv")
    with pytest.raises(Denied, match=remedy):
        list(storage.list(f"s3://{bucket}"))


def test_s3_without_credentials(s3: Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy says where they are looked for; anonymously the server answers that it denies."""
    surroundings = s3.environment()
    del surroundings["AWS_ACCESS_KEY_ID"], surroundings["AWS_SECRET_ACCESS_KEY"]
    use(monkeypatch, surroundings)
    with pytest.raises(Denied, match="AWS_ACCESS_KEY_ID"):
        storage_for("s3://", Access()).open(f"s3://{bucket}/data/a.csv")
    with pytest.raises(Denied, match="s3:GetObject"):
        storage_for("s3://", Access(anonymous=True)).open(f"s3://{bucket}/data/a.csv")


def test_s3_profile(s3: Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Endpoint, region and keys of a profile, by option and by variable; an unknown one is named."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(f"[profile lab]\nregion = us-east-1\nendpoint_url = {s3.endpoint}\n")
    credentials.write_text(f"[lab]\naws_access_key_id = {s3.access_key}\naws_secret_access_key = {s3.secret_key}\n")
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    quiet = {"AWS_EC2_METADATA_DISABLED": "true"}
    uri = f"s3://{bucket}/data/a.csv"
    use(monkeypatch, files | quiet)
    assert storage_for(uri, Access(profile="lab")).open(uri).read(3) == b"a,b"
    with pytest.raises(Invalid, match="nope"):
        storage_for(uri, Access(profile="nope")).open(uri)
    use(monkeypatch, files | quiet | {"AWS_PROFILE": "lab"})
    assert len(list(storage_for(uri, Access()).list(uri))) == 1


def test_s3_a_corrected_environment_is_noticed(s3: Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook: the same storage, after the variable was set right."""
    uri = f"s3://{bucket}/data/a.csv"
    storage = storage_for(uri, Access())
    use(monkeypatch, s3.environment(("driftline-admin", "wrong-secret")))
    with pytest.raises(Denied):
        storage.open(uri)
    use(monkeypatch, s3.environment())
    assert storage.open(uri).read(1) == b"a"


def test_s3_endpoints_that_do_not_answer(s3: Server, bucket: str) -> None:
    """The endpoint is named; whoever runs this again later may succeed."""
    storage = storage_for("s3://", Access(endpoint_url="http://127.0.0.1:1"))
    with pytest.raises(StorageUnavailable, match=re.escape("http://127.0.0.1:1")):
        storage.open(f"s3://{bucket}/data/a.csv")
    with pytest.raises(StorageUnavailable, match=re.escape("http://127.0.0.1:1")):
        list(storage.list(f"s3://{bucket}"))
    with pytest.raises(Invalid, match="http://host:port"):
        storage_for("s3://", Access(endpoint_url="nonsense")).open(f"s3://{bucket}/data/a.csv")


def test_s3_a_server_that_dies_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes out of the stream, as ours."""
    with running_s3(tmp_path) as server:
        use(monkeypatch, server.environment())
        server.client().put_object(Bucket="is-it-up", Key="big", Body=b"x" * 3_000_000)
        stream = storage_for("s3://", Access()).open("s3://is-it-up/big")
        assert stream.read(1) == b"x"
    stream.seek(2_000_000)
    with pytest.raises(StorageUnavailable):
        stream.read(1)


def test_s3_uris_that_cannot_be(bucket: str) -> None:
    """Before anything is asked of the network."""
    storage = storage_for("s3://", Access())
    for uri in ("s3://", "s3:///key"):
        with pytest.raises(Invalid):
            storage.open(uri)
    with pytest.raises(Invalid):
        list(storage.list("s3://Not_A_Bucket!/x"))
    with pytest.raises(Invalid):
        storage.open(f"s3://{bucket}/")


def test_location_lets_delta_reach_the_same_place(s3: Server, bucket: str) -> None:
    """F-09: read and written by delta-rs itself with these options."""
    from deltalake import DeltaTable, write_deltalake

    uri = f"s3://{bucket}/table"
    options = dict(location_for(uri, Access()))
    write_deltalake(uri, pa.table({"a": [1, 2]}), storage_options=options)
    assert DeltaTable(uri, storage_options=options).version() == 0
