"""Named credentials, roles and web identities against a real STS; secrets stay references; rows S-05, S-11 to S-14."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aws import KEYS, Aws, role_of, running_aws
from databases import postgres_url
from s3 import Server, use

from driftline.catalog import Catalog, spaces
from driftline.errors import Denied, Invalid, NotFound
from driftline.imports import credentials
from driftline.imports.credentials import Credential, access_of
from driftline.imports.job import ImportJob, Place
from driftline.storage import az, gs
from driftline.storage.access import Access
from driftline.storage.s3errors import told
from driftline.storage.storages import location_for, storage_for
from driftline.storage.uris import Place as Bucket

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
ANYBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
}
_numbers = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog."""
    made = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}" if request.param == "sqlite" else postgres_url())
    made.migrate()
    yield made
    made.close()


def test_credentials_are_kept_by_name(catalog: Catalog) -> None:
    """S-14: definitions name them; what is kept holds references only."""
    role = "arn:aws:iam::123456789012:role/monitoring/driftline"
    access = Access(role_arn=role, external_id="acme-7", access_key="env:K", secret_key="file:/run/secrets/s")
    with catalog.begin() as tx:
        credentials.put(tx, Credential("acme", access, audience="other"), now=NOW)
        credentials.put(tx, Credential("lab", Access(endpoint_url="http://minio:9000")), now=NOW)
        credentials.put(tx, Credential("lab", Access(endpoint_url="http://minio:9001", anonymous=True)), now=NOW)
    with catalog.read() as tx:
        assert credentials.get(tx, "acme") == Credential("acme", access, "other", NOW)
        assert [each.name for each in credentials.every(tx)] == ["acme", "lab"]
        default = Access(region="eu-west-1", endpoint_url="http://default")
        assert access_of(tx, None, default) is default
        assert access_of(tx, "lab", default) == Access("http://minio:9001", "eu-west-1", anonymous=True)
        with pytest.raises(NotFound, match=r"credentials not found: no\. Make them first; there are: acme, lab"):
            access_of(tx, "no", default)
    with catalog.begin() as tx:
        credentials.delete(tx, "lab")
        with pytest.raises(NotFound):
            credentials.delete(tx, "lab")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "env:S"}, "access_key"),
        ({"access_key": "env:K", "secret_key": "wJalrXUtnFEMI"}, "secret_key"),
        ({"access_key": "env:K"}, "access_key and secret_key"),
        ({"secret_key": "file:relative", "access_key": "env:K"}, "secret_key"),
        ({"role_arn": "driftline"}, "role_arn"),
        ({"external_id": "acme"}, "role_arn"),
        ({"password": "x"}, "member of credentials bad"),
        ({"kms_key": "k"}, "member of credentials bad"),
    ],
)
def test_credentials_that_cannot_be_are_refused(said: dict[str, Any], what: str) -> None:
    """S-14: above all secrets themselves, which the answer does not repeat."""
    with pytest.raises(Invalid) as refused:
        Credential.of("bad", said)
    assert str(refused.value).startswith(what)
    for name in ("access_key", "secret_key"):
        if not str(said.get(name, "env:")).startswith(("env:", "file:")):
            assert said[name] not in str(refused.value)
    with pytest.raises(Invalid, match="name of credentials"):
        Credential("../x")


def test_definitions_of_jobs_hold_no_secret() -> None:
    """S-14: the name alone."""
    job = ImportJob("", "churn", "1", Place("s3://b/in/", credentials="acme"))
    assert job.to_dict()["place"]["credentials"] == "acme"
    assert not {"access_key", "secret_key", "role_arn"} & asdict(job.place).keys()


def test_each_space_has_one_key(catalog: Catalog) -> None:
    """S-09: made when it is first asked for, and the same from then on."""
    with catalog.begin() as tx:
        key = spaces.ingestion_key(tx, "default", now=NOW)
        assert spaces.ingestion_key(tx, "default", now=NOW) == key
        assert spaces.ingestion_key(tx, "other", now=NOW) != key
        renewed = spaces.renew(tx, "default", now=NOW)
    with catalog.begin() as tx:
        assert spaces.ingestion_key(tx, "default", now=NOW) == renewed != key
        assert [row.name for row in spaces.every(tx)] == ["default", "other"]


def test_keys_by_reference_reach_a_store(s3: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """S-14: by a variable and a file; a corrected one is noticed, a missing one is told, none is shown."""
    use(monkeypatch, {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"})
    bucket = s3.bucket(f"credentials-{next(_numbers)}")
    s3.client().put_object(Bucket=bucket, Key="in/a.csv", Body=b"1")
    secret = tmp_path / "secret"
    access = Access(s3.endpoint, "us-east-1", access_key="env:STORE_KEY", secret_key=f"file:{secret}")
    storage, uri = storage_for("s3://", access), f"s3://{bucket}/in/a.csv"
    with pytest.raises(Invalid, match="access_key: got 'env:STORE_KEY', expected a variable that is set"):
        storage.open(uri)
    monkeypatch.setenv("STORE_KEY", s3.access_key)
    with pytest.raises(Invalid, match=r"secret_key: got 'file:.*No such file"):
        storage.open(uri)
    secret.write_text("first-secret-0123456789\nsecond-secret\n")
    with pytest.raises(Invalid, match="expected one line of letters") as refused:
        storage.open(uri)
    assert "first-secret" not in str(refused.value), "as the library would show it, which cannot put it into a header"
    secret.write_text("wrong-secret-0123456789\n")
    with pytest.raises(Denied) as denied:
        storage.open(uri)
    assert "wrong-secret" not in str(denied.value)
    secret.write_text(s3.secret_key + "\n")
    assert storage.open(uri).read() == b"1"
    assert [each.uri for each in storage.list(f"s3://{bucket}/")] == [uri]
    assert location_for(uri, access)["aws_secret_access_key"] == s3.secret_key
    assert s3.secret_key not in repr(access)


def test_other_clouds_take_named_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-16: a service account's file, a storage account and its key."""
    monkeypatch.setenv("BOX_KEY", "a2V5")
    assert gs.location(Access(key_file="/run/key.json")) == {"google_service_account": "/run/key.json"}
    found = az.location(Access(account="acme", secret_key="env:BOX_KEY"), Bucket.of("az://box/x"))
    assert found == {"azure_storage_account_name": "acme", "azure_storage_account_key": "a2V5"}
    Credential("azure", Access(account="acme", secret_key="env:BOX_KEY"))


# Roles


@pytest.fixture
def bucket(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket at moto with one object, and the surroundings of its account."""
    use(monkeypatch, aws.environment())
    name = f"roles-{next(_numbers)}"
    aws.client("s3").create_bucket(Bucket=name)
    aws.client("s3").put_object(Bucket=name, Key="in/a.csv", Body=b"1")
    return name


def reader(bucket: str) -> dict[str, Any]:
    """A policy that lets read."""
    allowed = {"s3:ListBucket": f"arn:aws:s3:::{bucket}", "s3:GetObject": f"arn:aws:s3:::{bucket}/in/*"}
    statements = [{"Effect": "Allow", "Action": [name], "Resource": [arn]} for name, arn in allowed.items()]
    return {"Version": "2012-10-17", "Statement": statements}


def test_a_role_of_another_account_is_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-11: keys that may do nothing but assume it read what it may; policies are checked."""
    with running_aws(tmp_path / "moto") as aws:
        use(monkeypatch, aws.environment())
        for key in ("in/a.csv", "out/a.csv"):
            aws.client("s3").create_bucket(Bucket="acme")
            aws.client("s3").put_object(Bucket="acme", Key=key, Body=b"1")
        role = role_of(aws, "importer", reader("acme"), ANYBODY)
        iam = aws.client("iam")
        iam.create_user(UserName="driftline")
        allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName="driftline", PolicyName="assume", PolicyDocument=policy)
        key = iam.create_access_key(UserName="driftline")["AccessKey"]
        monkeypatch.setenv("ROLE_KEY", key["AccessKeyId"])
        monkeypatch.setenv("ROLE_SECRET", key["SecretAccessKey"])
        by_key = Access(region="us-east-1", access_key="env:ROLE_KEY", secret_key="env:ROLE_SECRET")
        with aws.checked():
            storage = storage_for("s3://acme/", replace(by_key, role_arn=role, external_id="acme-7"))
            assert storage.open("s3://acme/in/a.csv").read() == b"1"
            assert len(list(storage.list("s3://acme/"))) == 2
            with pytest.raises(Denied, match=r"s3:GetObject on arn:aws:s3:::acme/out/a\.csv"):
                storage.open("s3://acme/out/a.csv")
            with pytest.raises(Denied, match=r"s3:ListBucket on arn:aws:s3:::acme\."):
                list(storage_for("s3://acme/", by_key).list("s3://acme/"))
            other = "arn:aws:iam::123456789012:role/other"
            with pytest.raises(Denied, match=f"sts:AssumeRole on {other}"):
                list(storage_for("s3://acme/", replace(by_key, role_arn=other)).list("s3://acme/"))


def test_a_role_is_assumed_by_web_identity(aws: Aws, bucket: str, tmp_path: Path, caplog: Any) -> None:
    """S-05: the token is read from its file whenever it is needed, and never shown."""
    token = tmp_path / "token"
    role = role_of(aws, f"web-{bucket}", reader(bucket))
    access = Access(region="us-east-1", role_arn=role, web_identity_token_file=str(token))
    storage, uri = storage_for("s3://", access), f"s3://{bucket}/in/a.csv"
    missing = f"sts:AssumeRoleWithWebIdentity on {role}. The token file {token} cannot be read"
    for ask in (lambda: storage.open(uri), lambda: list(storage.list(uri))):
        with pytest.raises(Denied, match=missing):
            ask()
    token.write_text("eyJhbGciOiJSUzI1NiJ9.e30.c2ln\n")
    with caplog.at_level(logging.DEBUG, "driftline"):
        assert storage.open(uri).read() == b"1"
    assert len(list(storage.list(uri))) == 1
    assert location_for(uri, access)["aws_session_token"]
    assert "eyJhbGci" not in caplog.text


def test_sts_can_be_elsewhere(aws: Aws, s3: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """S-05: another endpoint than the store's."""
    environment = aws.environment()
    del environment["AWS_ENDPOINT_URL"]
    use(monkeypatch, environment)
    role = role_of(aws, f"apart-{next(_numbers)}", reader("b"))
    access = Access(s3.endpoint, "us-east-1", role_arn=role, sts_endpoint_url=aws.endpoint)
    with pytest.raises(Denied, match="does not know this access key"):
        list(storage_for("s3://b/", access).list("s3://is-it-up/"))
    with pytest.raises(Denied, match="sts:AssumeRole"):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        list(storage_for("s3://b/", replace(access, region="us-east-2")).list("s3://is-it-up/"))
    assert KEYS["aws_secret_access_key"] not in repr(access)


def client_error(code: str, message: str, status: int = 403) -> Any:
    """What boto3 raises when S3 answers so."""
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetObject")


def test_a_key_that_may_not_be_used_is_named() -> None:
    """S-12: AWS says it in its message."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    said = (
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on resource:"
        f" {key} because no identity-based policy allows the kms:Decrypt action"
    )
    with pytest.raises(Denied, match=f"kms:Decrypt on {key}"), told("s3://b/x", "s3:GetObject"):
        raise client_error("AccessDenied", said)


@pytest.mark.parametrize("code", ["PermanentRedirect", "AuthorizationHeaderMalformed"])
def test_another_region_is_told(code: str) -> None:
    """S-13: the bucket, and what to give."""
    said = "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"
    with pytest.raises(Invalid, match=r"region for bucket b.*expecting 'eu-west-1'"), told("s3://b/x", "s3:GetObject"):
        raise client_error(code, said, 301)


class Encrypted(BaseHTTPRequestHandler):
    """S3 as it answers who may get an object but not use its key: no server that can be had does so."""

    def do_GET(self) -> None:
        """Denied, without a word of the key."""
        self._answer(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")

    def do_HEAD(self) -> None:
        """The key."""
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("x-amz-server-side-encryption", "aws:kms")
        self.send_header("x-amz-server-side-encryption-aws-kms-key-id", KMS)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


KMS = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"


def test_a_key_is_named_where_s3_does_not_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-12: the head of the object tells it."""
    use(monkeypatch, {**{f"AWS_{name.removeprefix('aws_').upper()}": value for name, value in KEYS.items()}})
    with ThreadingHTTPServer(("127.0.0.1", 0), Encrypted) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        access = Access(f"http://127.0.0.1:{server.server_port}", "eu-west-1")
        with pytest.raises(Denied, match=f"kms:Decrypt on {KMS}"):
            storage_for("s3://b/x", access).open("s3://bucket/x")
        server.shutdown()
