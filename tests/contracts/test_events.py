"""Events of object stores: read in every form, looked up, noted once; through a real queue and a real webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aws import Aws, running_aws
from s3 import use

from driftline import registry
from driftline.catalog import Catalog, imports
from driftline.errors import Denied, Invalid, NotFound, StorageUnavailable
from driftline.imports import credentials, events, jobs, queues, triggers, watching
from driftline.imports.credentials import Credential
from driftline.imports.job import Content, FileStatus, ImportJob, Place
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import ModelSchema, ModelType
from driftline.storage import queues as stored
from driftline.storage.storages import Access, storage_for

NOW = datetime(2026, 11, 21, 13, 30, tzinfo=UTC)
_numbers = count()


def record(bucket: str, key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """A record as S3 writes it; the key is encoded already."""
    about = {
        "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
        "object": {"key": key, "size": 9, "eTag": "e"},
    }
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": about}


S3 = {"Records": [record("b", "in/a+b%2Bc.csv")]}
MEANT = "s3://b/in/a b+c.csv"
SHAPES = {
    "s3": (S3, MEANT),
    "sns": ({"Type": "Notification", "TopicArn": "arn:aws:sns:r:1:t", "Message": json.dumps(S3)}, MEANT),
    "sqs to a function": ({"Records": [{"eventSource": "aws:sqs", "body": json.dumps(S3)}]}, MEANT),
    "sns to a function": ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(S3)}}]}, MEANT),
    "eventbridge": (
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "b"}, "object": {"key": "in/a b+c.csv", "etag": "e"}},
        },
        MEANT,
    ),
    "minio": ({"EventName": "s3:ObjectCreated:Put", "Key": "b/in/a+b%2Bc.csv", **S3}, MEANT),
    "ceph": (
        {"Records": [{**record("b", "in/x.csv", "s3:ObjectCreated:Put"), "eventSource": "ceph:s3"}]},
        "s3://b/in/x.csv",
    ),
    "seaweedfs": (
        {
            "event_type": "create",
            "key": "/buckets/b/in/ü+x.csv",
            "message": {"new_entry": {"name": "ü+x.csv"}, "new_parent_path": "/buckets/b/in"},
        },
        "s3://b/in/ü+x.csv",
    ),
    "pub/sub": (
        {"message": {"attributes": {"eventType": "OBJECT_FINALIZE", "bucketId": "b", "objectId": "in/x"}, "data": ""}},
        "gs://b/in/x",
    ),
    "eventarc": ({"kind": "storage#object", "bucket": "b", "name": "in/x"}, "gs://b/in/x"),
    "event grid": (
        [
            {
                "eventType": "Microsoft.Storage.BlobCreated",
                "data": {"url": "https://acme.blob.core.windows.net/box/in/a%20b.csv"},
            }
        ],
        "az://box/in/a b.csv",
    ),
    "cloud events": (
        {"type": "Microsoft.Storage.BlobCreated", "data": {"url": "https://acme.blob.core.windows.net/box/in/x"}},
        "abfss://box@acme.dfs.core.windows.net/in/x",
    ),
}
SILENT = {
    "test": {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"},
    "removed": {"Records": [record("b", "in/x", "ObjectRemoved:Delete")]},
    "removed elsewhere": {"detail-type": "Object Deleted", "detail": {}},
    "a folder": {
        "event_type": "create",
        "key": "/buckets/b/in",
        "message": {"new_entry": {"name": "in", "is_directory": True}, "new_parent_path": "/buckets/b"},
    },
    "deleted from the filer": {"event_type": "delete", "key": "/buckets/b/in/x", "message": {"old_entry": {}}},
    "archived": {"message": {"attributes": {"eventType": "OBJECT_ARCHIVE", "bucketId": "b", "objectId": "x"}}},
    "deleted blob": [{"eventType": "Microsoft.Storage.BlobDeleted", "data": {}}],
    "nothing": {"Records": []},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_events_of_all_stores_are_read(shape: str) -> None:
    """P-02, P-10: keys are decoded as `unquote_plus` does where they are encoded so."""
    message, meant = SHAPES[shape]
    (names,) = events.read(json.dumps(message)).objects
    assert meant in names


@pytest.mark.parametrize("shape", SILENT)
def test_some_events_name_no_object(shape: str) -> None:
    """Tests, removals, folders."""
    assert events.read(json.dumps(SILENT[shape])).objects == ()


@pytest.mark.parametrize(
    "message", ["", "x", "7", "null", '"x"', "{}", '{"a": 1}', "[[[[[[[]]]]]]]", '{"Records": [{"s3": {}}]}']
)
def test_what_is_no_event_is_told(message: str) -> None:
    """D-08: what came, and what was expected."""
    with pytest.raises(Invalid, match="event: got"):
        events.read(message)


def test_azure_is_answered_its_code() -> None:
    """It sends nothing before."""
    asked = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d"}}]
    assert events.read(json.dumps(asked)).confirm == {"validationResponse": "512d"}


def test_an_event_only_says_where_to_look(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-05, ER-19: what is there counts, not what was said; twice, late, outside or gone does no harm."""
    use(monkeypatch, aws.environment())
    aws.client("s3").create_bucket(Bucket="looked-for")
    root = "s3://looked-for/in/"
    for name in ("a.csv", "_SUCCESS"):
        storage_for(root, Access()).put(root + name, b"1")
    told = [(root + name,) for name in ("a.csv", "gone.csv", "a.csv", "../out/a.csv", "_SUCCESS")]
    found = events.look_for(Place(root), [*told, ("s3://looked-for/out/a.csv",)], Access())
    assert [each.uri for each in found.objects] == [root + "a.csv"]
    reasons = {each.object.uri.removeprefix(root): each.reason for each in found.passed}
    assert reasons.keys() == {"_SUCCESS", "gone.csv", "../out/a.csv"}
    assert reasons["gone.csv"] == (
        "Error getting object in/gone.csv from bucket looked-for. Make sure they exist and your bucket is in the same"
        " region as this function."
    )


def test_overlapping_triggers_are_told_in_amazons_words() -> None:
    """P-06, ER-18: of the seed's three triggers A and C, and B and C, overlap."""
    seed = [
        triggers.Trigger("A", "s3://bucket/modelA/datacapture", ".jsonl"),
        triggers.Trigger("B", "s3://bucket/modelA", ".tar.gz"),
        triggers.Trigger("C", "s3://bucket/modelA"),
    ]
    told = triggers.lint(seed)
    assert [each[:7] for each in told] == ["A and C", "B and C"]
    assert all(
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are"
        " overlapping for the same event type." in each
        for each in told
    )


def test_jobs_that_read_the_same_files_are_told() -> None:
    """J-12, P-06: two jobs on one model with one prefix in the other; labels in a prefix of their own are fine."""
    first = ImportJob("1", "churn", "1", Place("s3://b/churn/"))
    inner = ImportJob("2", "churn", "1", Place("s3://b/churn/2026/"))
    labels = ImportJob("3", "churn", "1", Place("s3://b/churn/"), content=Content.ACTUALS)
    other = ImportJob("4", "fraud", "1", Place("s3://b/churn/"))
    (told,) = triggers.doubled(first, [first, inner, labels, other])
    assert "job 2" in told


# Queues


@dataclass(frozen=True)
class Case:
    """A bucket whose events go to a queue, and a job that listens there."""

    aws: Aws
    catalog: Catalog
    job: ImportJob
    bucket: str

    @property
    def url(self) -> str:
        """The queue."""
        return str(self.job.place.events)

    def put(self, key: str, data: bytes = b"a\n1\n") -> None:
        """Write an object; the store tells of it."""
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=data)

    def send(self, body: str) -> None:
        """Put a message into the queue."""
        self.aws.client("sqs").send_message(QueueUrl=self.url, MessageBody=body)

    def drain(self) -> int:
        """Take what is in the queue."""
        return queues.drain(self.catalog, self.job, Access(), now=NOW, default=Access())

    def left(self) -> int:
        """Messages that are in the queue, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(each) for each in found["Attributes"].values())

    def names(self, status: FileStatus | None = None, job: str | None = None) -> list[str]:
        """What the ledger has of a job."""
        with self.catalog.read() as tx:
            found = jobs.files(tx, job or self.job.id, status=status, limit=1000)
        return [each.uri.removeprefix(self.job.place.uri) for each in found]


@pytest.fixture
def case(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """A bucket that sends S3's own events to SQS."""
    use(monkeypatch, aws.environment())
    name = f"events-{next(_numbers)}"
    aws.client("s3").create_bucket(Bucket=name)
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    told = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    aws.client("s3").put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=told)
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    catalog.migrate()
    with catalog.begin() as tx:
        registry.create_model(tx, Model("churn", "churn"), now=NOW)
        version = ModelVersion("churn", "1", ModelType.BINARY, ModelSchema())
        registry.create_version(tx, version, now=NOW)
        place = Place(f"s3://{name}/in/", format="csv", events=url)
        job = jobs.create(tx, ImportJob("", "churn", "1", place), now=NOW)
    yield Case(aws, catalog, job, name)
    catalog.close()


def test_files_are_found_by_the_events_of_a_queue(case: Case) -> None:
    """P-10, P-02: odd keys too; what lies elsewhere is not, and no message stays."""
    for key in ("in/a.csv", "in/grün + x=1/b.csv", "out/c.csv", "in/_SUCCESS"):
        case.put(key)
    assert case.left() >= 4
    assert case.drain() == 2
    assert sorted(case.names(FileStatus.PENDING)) == ["a.csv", "grün + x=1/b.csv"]
    assert case.names(FileStatus.SKIPPED) == ["_SUCCESS"]
    assert case.left() == 0
    assert case.drain() == 0


def test_events_that_come_twice_or_late_are_noted_once(case: Case) -> None:
    """P-05: and so is a file that is listed too."""
    case.put("in/a.csv")
    assert case.drain() == 1
    for _ in range(3):
        case.send(json.dumps({"Records": [record(case.bucket, "in/a.csv"), record(case.bucket, "in/a.csv")]}))
    case.send(json.dumps({"Records": [record(case.bucket, "in/gone.csv")]}))
    assert case.drain() == 0
    assert case.names(FileStatus.PENDING) == ["a.csv"]
    assert case.names(FileStatus.SKIPPED) == ["gone.csv"]
    with case.catalog.begin() as tx:
        (listed,) = storage_for(case.job.place.uri, Access()).list(case.job.place.uri)
        assert jobs.discover(tx, case.job.id, [listed], now=NOW) == 0


def test_a_message_comes_again_if_the_reader_dies_before_it_is_noted(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-09: and is deleted only then."""
    case.put("in/a.csv")

    class Killed(BaseException):
        """The end of the process."""

    def killed(*_: Any, **__: Any) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "discover", killed)
        with pytest.raises(Killed):
            case.drain()
    assert case.names() == []
    with monkeypatch.context() as patched:
        patched.setattr(stored, "delete", killed)
        with pytest.raises(Killed):
            case.drain()
    assert case.names() == ["a.csv"]
    assert case.left() >= 1
    assert case.drain() == 0
    assert (case.names(), case.left()) == (["a.csv"], 0)


def test_messages_that_cannot_be_read_are_told_and_stay(case: Case) -> None:
    """P-10: the queue's redrive policy puts them aside; the others go on."""
    case.send("what is this")
    case.put("in/a.csv")
    assert case.drain() == 1
    assert case.drain() == 0
    assert case.names(FileStatus.PENDING) == ["a.csv"]
    with case.catalog.read() as tx:
        (odd,) = jobs.files(tx, case.job.id, status=FileStatus.SKIPPED, limit=10)
    assert odd.uri.startswith(case.url + "#")
    assert "what is this" in odd.faults[0].message
    assert case.left() == 1


def test_jobs_that_share_a_queue_all_hear(case: Case) -> None:
    """Whoever takes the messages; each job by its own credentials."""
    with case.catalog.begin() as tx:
        credentials.put(tx, Credential("open", Access(region="us-east-1")), now=NOW)
        place = replace(case.job.place, uri=f"s3://{case.bucket}/labels/", credentials="open")
        labels = jobs.create(tx, replace(case.job, id="", place=place, content=Content.ACTUALS), now=NOW)
    case.put("in/a.csv")
    case.put("labels/a.csv")
    assert case.drain() == 2
    assert case.names() == ["a.csv"]
    assert case.names(job=labels.id) == [f"s3://{case.bucket}/labels/a.csv"]


def test_a_job_that_shares_a_queue_and_cannot_read_holds_up_no_other(case: Case) -> None:
    """J-11: it says itself what is amiss, and lists its path when that is mended."""
    with case.catalog.begin() as tx:
        place = replace(case.job.place, credentials="gone")
        jobs.create(tx, replace(case.job, id="", place=place), now=NOW)
    case.put("in/a.csv")
    assert case.drain() == 1
    assert (case.names(), case.left()) == (["a.csv"], 0)


def test_a_job_hears_what_was_told_while_it_was_paused(case: Case) -> None:
    """J-04: the messages are gone by then, so its path is listed."""
    later = NOW + timedelta(minutes=1)
    watching.look(case.catalog, Access(), NOW)
    with case.catalog.begin() as tx:
        jobs.pause(tx, case.job.id, now=NOW)
        other = jobs.create(tx, replace(case.job, id="", model="churn"), now=NOW)
    case.put("in/a.csv")
    assert queues.drain(case.catalog, other, Access(), now=NOW, default=Access()) == 1
    assert case.names() == []
    with case.catalog.begin() as tx:
        jobs.start(tx, case.job.id, now=later)
    watching.look(case.catalog, Access(), later)
    assert case.names() == ["a.csv"]


def test_the_worker_listens_and_lists(case: Case) -> None:
    """P-10: what lies there already is listed once; what comes then is told."""
    case.put("in/old.csv")
    sqs = case.aws.client("sqs")
    sqs.purge_queue(QueueUrl=case.url)
    assert watching.look(case.catalog, Access(), NOW) == 1
    case.put("in/new.csv")
    assert watching.look(case.catalog, Access(), NOW + timedelta(seconds=20)) == 1
    assert sorted(case.names()) == ["new.csv", "old.csv"]


def test_queues_that_cannot_be_read_are_told(case: Case) -> None:
    """D-08: the queue, and the permission that is missing."""
    with pytest.raises(NotFound, match="queue not found"):
        stored.receive(case.url + "-no", Access())
    with pytest.raises(Invalid, match="queue"):
        stored.receive("churn", Access())
    with pytest.raises(StorageUnavailable):
        stored.receive("http://127.0.0.1:1/1/churn", Access())


def test_a_queue_that_may_not_be_read_names_the_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ER-04, with policies checked: a server of its own, since that is for all callers."""
    with running_aws(tmp_path / "moto") as server:
        use(monkeypatch, server.environment())
        url = server.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        iam = server.client("iam")
        iam.create_user(UserName="u")
        key = iam.create_access_key(UserName="u")["AccessKey"]
        monkeypatch.setenv("QUEUE_KEY", key["AccessKeyId"])
        monkeypatch.setenv("QUEUE_SECRET", key["SecretAccessKey"])
        access = Access(access_key="env:QUEUE_KEY", secret_key="env:QUEUE_SECRET", region="us-east-1")
        with server.checked(), pytest.raises(Denied, match="sqs:ReceiveMessage on"):
            stored.receive(url, access)


def test_a_job_whose_credentials_are_gone_does_not_hold_up_the_others(case: Case) -> None:
    """J-11: it says what is amiss, and goes on when they are there again."""
    case.put("in/a.csv")
    with case.catalog.begin() as tx:
        place = Place(case.job.place.uri, format="csv", credentials="lab")
        broken = jobs.create(tx, replace(case.job, id="", place=place), now=NOW)
    assert watching.look(case.catalog, Access(), NOW) == 1
    assert case.names() == ["a.csv"]
    with case.catalog.read() as tx:
        assert "credentials not found: lab" in str(imports.get(tx, broken.id).trouble)
    later = NOW + timedelta(seconds=20)
    with case.catalog.begin() as tx:
        credentials.put(tx, Credential("lab", Access(region="us-east-1")), now=NOW)
    watching.look(case.catalog, Access(), later)
    assert case.names(job=broken.id) == ["a.csv"]
    with case.catalog.read() as tx:
        assert imports.get(tx, broken.id).trouble is None
