"""Whether a bucket may be read: paths, proofs of its owner, folders, preflight; rows S-01, S-06, S-09, ER-04, ER-13."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aws import Aws, role_of, running_aws
from s3 import READER, WRITER, Server, use

from driftline.errors import Denied, Invalid
from driftline.imports import grants, ownership, places, preflight
from driftline.imports.grants import Grant
from driftline.imports.job import Place
from driftline.imports.ownership import MARKER, TAG, prove, refuse_unproved
from driftline.imports.places import place_of
from driftline.imports.preflight import check, is_passed
from driftline.settings import Settings
from driftline.storage.access import Access
from driftline.storage.storages import storage_for

KEY = "dlk-0123456789abcdef0123456789abcdef"
_numbers = count()

PASTED = {
    "s3://example-demo-bucket/click-thru-rate/production/v1/": (
        "s3://example-demo-bucket/click-thru-rate/production/v1/"
    ),
    " s3://b/in ": "s3://b/in/",
    "s3://b": "s3://b/",
    "s3://b/in/a.parquet": "s3://b/in/a.parquet",
    "S3://b/in/": "S3://b/in/",
    "gs://b/in": "gs://b/in/",
    "az://box/in": "az://box/in/",
    "abfss://box@acme.dfs.core.windows.net/in": "abfss://box@acme.dfs.core.windows.net/in/",
    "arn:aws:s3:::b/in/*": "s3://b/in/",
    "arn:aws-cn:s3:::b": "s3://b/",
    "https://b.s3.eu-west-1.amazonaws.com/in/x%20y/": "s3://b/in/x y/",
    "https://b.dots.s3.amazonaws.com/in": "s3://b.dots/in/",
    "https://s3.eu-west-1.amazonaws.com/b/in": "s3://b/in/",
    "https://s3-eu-west-1.amazonaws.com/b/in": "s3://b/in/",
    "https://eu-west-1.console.aws.amazon.com/s3/buckets/b?region=eu-west-1&prefix=in/x/&showversions=false": "s3://b/in/x/",
    "https://s3.console.aws.amazon.com/s3/buckets/b": "s3://b/",
    "https://s3.console.aws.amazon.com/s3/object/b?prefix=in/a.csv": "s3://b/in/a.csv",
    "https://storage.googleapis.com/b/in": "gs://b/in/",
    "https://console.cloud.google.com/storage/browser/b/in;tab=objects?project=p": "gs://b/in/",
    "https://acme.blob.core.windows.net/box/in": "abfss://box@acme.dfs.core.windows.net/in/",
    "/data/in": "/data/in/",
    "data/in": "data/in/",
}


@pytest.mark.parametrize("pasted", PASTED)
def test_bucket_and_prefix_are_inferred_from_what_is_pasted(pasted: str) -> None:
    """S-01."""
    assert place_of(pasted) == Place(PASTED[pasted])


def test_globs_become_patterns_below_a_prefix() -> None:
    """S-02."""
    assert place_of("s3://b/in/*.csv") == Place("s3://b/in/", include=("*.csv",))
    assert place_of("s3://b/in/2026/**") == Place("s3://b/in/2026/")
    assert place_of("s3://b/in/dt=*/part-*") == Place("s3://b/in/", include=("dt=*/part-*",))


@pytest.mark.parametrize("pasted", ["", "ftp://x/y", "s3://", "https://example.com/x", "s3://b*/x", "s3:///x"])
def test_what_is_no_place_is_refused(pasted: str) -> None:
    """D-08."""
    with pytest.raises(Invalid):
        place_of(pasted)


def test_folders_must_be_allowed(tmp_path: Path) -> None:
    """On one's own machine all are, unless some are named; links lead nowhere else."""
    inside, outside = tmp_path / "data" / "in", tmp_path / "other"
    inside.mkdir(parents=True)
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    allowed = [str(tmp_path / "data")]
    places.refuse_folder(Place(str(outside)), [], anywhere=True)
    places.refuse_folder(Place(str(inside)), allowed, anywhere=False)
    places.refuse_folder(Place(inside.as_uri()), allowed, anywhere=True)
    places.refuse_folder(Place("s3://b/in/"), [], anywhere=False)
    refused = [str(outside), str(inside / "link"), f"{inside}/../../other", outside.as_uri(), "/etc"]
    for uri in refused:
        with pytest.raises(Denied, match="DRIFTLINE_ALLOWED_FOLDERS"):
            places.refuse_folder(Place(uri), allowed, anywhere=True)
    with pytest.raises(Denied):
        places.refuse_folder(Place(str(inside)), [], anywhere=False)


def test_queues_are_on_hosts_that_may_be_called() -> None:
    """As models are: none that guard secrets, and only those that are listed if some are; Amazon's queues always."""
    amazon, near = "https://sqs.eu-west-1.amazonaws.com/123456789012/churn", "http://localhost:4566/1/churn"
    for url, allowed in ((amazon, ["models.example"]), (near, []), (near, ["127.0.0.0/8", "::1/128"])):
        places.refuse_queue(url, allowed)
    for url in (near, "http://queues.invalid/1/churn"):
        with pytest.raises(Denied, match=r"hearing a queue on .* DRIFTLINE_ALLOWED_HOSTS"):
            places.refuse_queue(url, ["models.example"])
    with pytest.raises(Denied):
        places.refuse_queue("http://100.100.100.200/1/churn", [])
    with pytest.raises(Invalid):
        places.refuse_queue("file:///etc/passwd", [])


@pytest.mark.parametrize(
    ("host", "asked"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True), ("::", True)]
)
def test_proofs_are_asked_for_beyond_loopback(host: str, asked: bool) -> None:
    """S-09: and can be switched on and off."""
    assert ownership.is_asked(Settings(host=host)) is asked
    assert ownership.is_asked(Settings(host=host, prove_buckets=not asked)) is not asked


# Tags and markers


@pytest.fixture
def place(s3: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty prefix in a bucket of a real server, which knows tags of buckets."""
    use(monkeypatch, s3.environment())
    return Place(f"s3://{s3.bucket(f'owned-{next(_numbers)}')}/in/")


def tag(s3: Server, place: Place, **tags: str) -> None:
    """Set the bucket's tags."""
    told = [{"Key": name.replace("_", "-"), "Value": value} for name, value in tags.items()]
    s3.client().put_bucket_tagging(Bucket=place.uri.split("/")[2], Tagging={"TagSet": told})


def test_a_bucket_is_proved_by_its_tag(s3: Server, place: Place) -> None:
    """S-09, ER-13: missing, wrong, right, and of several spaces."""
    with pytest.raises(Denied, match=f"has no tag {TAG}. Its owner must set it to {KEY}"):
        refuse_unproved(place, Access(), KEY)
    tag(s3, place, team="ml")
    assert not prove(place, Access(), KEY).proved
    tag(s3, place, driftline_ingestion_key="dlk-of-another-space")
    wrong = prove(place, Access(), KEY)
    assert (wrong.proved, "holds another key" in wrong.said, KEY in wrong.said) == (False, True, True)
    assert "dlk-of-another-space" not in wrong.said
    tag(s3, place, driftline_ingestion_key=f"dlk-of-another-space {KEY}", team="ml")
    refuse_unproved(place, Access(), KEY)
    tag(s3, place, driftline_ingestion_key=KEY + "x")
    assert not prove(place, Access(), KEY).proved


def test_a_marker_does_not_stand_for_a_tag(s3: Server, place: Place) -> None:
    """S-09: who may write into a prefix need not own the bucket."""
    storage_for(place.uri, Access()).put(place.uri + MARKER, KEY.encode())
    assert not prove(place, Access(), KEY).proved


def test_a_tag_that_may_not_be_read_is_told(s3: Server, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """ER-04: the action and the bucket."""
    tag(s3, place, driftline_ingestion_key=KEY)
    use(monkeypatch, s3.environment(WRITER))
    bucket = place.uri.split("/")[2]
    with pytest.raises(Denied, match=f"s3:GetBucketTagging on arn:aws:s3:::{bucket}"):
        refuse_unproved(place, Access(), KEY)


def test_other_stores_show_a_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-09: at the root of the bucket or of the prefix, where buckets have no tags."""
    from obstore.store import MemoryStore

    from driftline.storage import storages
    from driftline.storage.clouds import Cloud
    from driftline.storage.gs import PERMISSIONS

    store = MemoryStore()
    cloud = Cloud(lambda _: store, PERMISSIONS)
    monkeypatch.setitem(storages.STORAGES, "gs", lambda _: cloud)
    place = Place("gs://b/in/")
    missing = prove(place, Access(), KEY)
    assert (
        missing.said
        == f"There is neither gs://b/{MARKER} nor gs://b/in/{MARKER}. Its owner must write one that holds {KEY}."
    )
    cloud.put(f"gs://b/{MARKER}", b"dlk-1\n")
    assert "holds another key" in prove(place, Access(), KEY).said
    cloud.put(f"gs://b/in/{MARKER}", f"dlk-1, {KEY}\n".encode())
    refuse_unproved(place, Access(), KEY)
    cloud.put(f"gs://b/{MARKER}", KEY.encode())
    assert prove(Place("gs://b/elsewhere/"), Access(), KEY).proved
    assert prove(Place(str(tmp_path)), Access(), KEY).proved


# Preflight


def told(steps: tuple[preflight.Step, ...]) -> dict[str, bool | None]:
    """What became of each action."""
    return {each.action: each.passed for each in steps}


def test_every_action_is_tried(s3: Server, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """ER-04: action and resource of each, on a real server."""
    assert told(check(place, Access()))["s3:GetObject"] is None
    storage_for(place.uri, Access()).put(place.uri + "a/b.csv", b"a\n1\n")
    tag(s3, place, driftline_ingestion_key=KEY)
    steps = check(place, Access(), key=KEY)
    wanted = ["s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:GetBucketTagging"]
    assert [(each.action, each.passed) for each in steps] == [(name, True) for name in wanted]
    use(monkeypatch, s3.environment(WRITER))
    steps = check(place, Access(), key=KEY)
    assert not is_passed(steps)
    assert told(steps)["s3:ListBucket"] is False
    bucket = place.uri.split("/")[2]
    assert {each.resource for each in steps} == {f"arn:aws:s3:::{bucket}"}


def test_what_is_not_there_or_does_not_answer_is_a_failed_step(place: Place, tmp_path: Path) -> None:
    """D-08: nothing is raised."""
    steps = check(Place("s3://no-such-bucket-here/in/"), Access())
    assert "bucket not found: no-such-bucket-here" in steps[0].said
    steps = check(place, Access(endpoint_url="http://127.0.0.1:1"))
    assert not any(each.passed for each in steps)
    assert "http://127.0.0.1:1" in steps[0].said
    (step,) = check(Place(str(tmp_path / "no")), Access())[:1]
    assert (step.action, step.passed, step.said) == ("list", True, "nothing there yet")
    steps = check(replace(place, events="http://127.0.0.1:1/1/q"), Access())
    assert told(steps)["sqs:ReceiveMessage"] is False


def test_a_bucket_elsewhere_is_told(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-13: its region, and the one that is asked."""
    use(monkeypatch, aws.environment())
    where = {"LocationConstraint": "eu-west-1"}
    aws.client("s3").create_bucket(Bucket="far-away", CreateBucketConfiguration=where)
    step = check(Place("s3://far-away/"), Access())[0]
    assert (step.action, step.passed) == ("s3:GetBucketLocation", False)
    assert "bucket far-away is in eu-west-1, but requests are sent to us-east-1" in step.said


# Policies


@dataclass(frozen=True)
class Account:
    """An account whose policies are checked, a bucket in it, and a user who may do nothing yet."""

    aws: Aws
    access: Access
    place: Place

    def allow(self, policy: dict[str, Any]) -> None:
        """Give the user this policy and no other."""
        document = json.dumps(policy)
        self.aws.client("iam").put_user_policy(UserName="importer", PolicyName="read", PolicyDocument=document)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Of a server of its own, since checking is for all."""
    with running_aws(tmp_path / "moto") as aws:
        use(monkeypatch, aws.environment())
        client = aws.client("s3")
        client.create_bucket(Bucket="acme-logs")
        for key in ("churn/a.csv", "payroll/a.csv"):
            client.put_object(Bucket="acme-logs", Key=key, Body=b"1")
        iam = aws.client("iam")
        iam.create_user(UserName="importer")
        key = iam.create_access_key(UserName="importer")["AccessKey"]
        monkeypatch.setenv("IMPORTER_KEY", key["AccessKeyId"])
        monkeypatch.setenv("IMPORTER_SECRET", key["SecretAccessKey"])
        queue = aws.client("sqs").create_queue(QueueName="churn")["QueueUrl"]
        place = Place("s3://acme-logs/churn/", events=queue)
        access = Access(region="us-east-1", access_key="env:IMPORTER_KEY", secret_key="env:IMPORTER_SECRET")
        yield Account(aws, access, place)


def without_conditions(policy: dict[str, Any]) -> dict[str, Any]:
    """As it is, but for what moto cannot judge: the prefixes of listings."""
    kept = [{name: each[name] for name in each if name != "Condition"} for each in policy["Statement"]]
    return {**policy, "Statement": kept}


def test_the_policy_is_enough_and_each_of_its_actions_is_needed(account: Account) -> None:
    """S-06, ER-04: with it all steps pass; without any one action the step of that name fails."""
    grant = Grant((account.place,), queue=account.place.events, key=KEY)
    policy = without_conditions(grants.role_policy(grant))
    policy["Statement"][-1]["Resource"] = ["*"]  # the queue's ARN is known for those at Amazon only
    account.aws.client("s3").put_bucket_tagging(Bucket="acme-logs", Tagging=grants.tagging(grant))
    account.allow(policy)
    with account.aws.checked():
        assert told(check(account.place, account.access, key=KEY)) == dict.fromkeys(
            ("s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:GetBucketTagging", "sqs:ReceiveMessage"), True
        )
        with pytest.raises(Denied, match="payroll"):
            storage_for("s3://", account.access).open("s3://acme-logs/payroll/a.csv")
    for action in ("s3:GetBucketLocation", "s3:ListBucket", "s3:GetBucketTagging", "sqs:ReceiveMessage"):
        account.allow(less(policy, action))
        with account.aws.checked():
            assert told(check(account.place, account.access, key=KEY))[action] is False, action


def less(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """The policy without one action."""
    statements = []
    for each in policy["Statement"]:
        named = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        kept = [name for name in named if name != action]
        if kept:
            statements.append({**each, "Action": kept})
    return {**policy, "Statement": statements}


def test_a_role_that_may_not_be_assumed_is_the_step_that_fails(account: Account) -> None:
    """S-05, ER-04: by its own name; nothing else is tried."""
    role = role_of(account.aws, "closed", grants.role_policy(Grant((account.place,))))
    with account.aws.checked():
        steps = check(account.place, replace(account.access, role_arn=role))
    assert [(each.action, each.resource, each.passed) for each in steps] == [("sts:AssumeRole", role, False)]


def test_amazon_takes_the_documents(account: Account) -> None:
    """S-06 to S-11: each by its own call."""
    provider = account.aws.client("iam").create_open_id_connect_provider(
        Url="https://oidc.example.com/id/7", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )["OpenIDConnectProviderArn"]
    queue = "arn:aws:sqs:us-east-1:123456789012:churn"
    grant = Grant(
        (Place("s3://acme-logs/churn/", include=("**/*.jsonl",)), Place("s3://acme-logs/labels/")),
        principal="arn:aws:iam::123456789012:role/importer",
        provider=provider,
        subject="system:serviceaccount:driftline:worker",
        kms_keys=("arn:aws:kms:us-east-1:123456789012:key/1",),
        queue="https://sqs.us-east-1.amazonaws.com/123456789012/churn",
        key=KEY,
    )
    iam, s3 = account.aws.client("iam"), account.aws.client("s3")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(grants.trust_policy(grant)))
    iam.create_policy(PolicyName="read", PolicyDocument=json.dumps(grants.role_policy(grant)))
    for bucket, policy in grants.bucket_policies(grant).items():
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3.put_bucket_tagging(Bucket="acme-logs", Tagging=grants.tagging(grant))
    letting = json.dumps(grants.queue_policy(grant))
    account.aws.client("sqs").set_queue_attributes(QueueUrl=account.place.events, Attributes={"Policy": letting})
    for bucket, told_of in grants.notifications(grant).items():
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told_of)
    rules = s3.get_bucket_notification_configuration(Bucket="acme-logs")["QueueConfigurations"]
    assert {each["QueueArn"] for each in rules} == {queue}
    filters = [{one["Name"].lower(): one["Value"] for one in each["Filter"]["Key"]["FilterRules"]} for each in rules]
    assert filters == [{"prefix": "churn/", "suffix": ".jsonl"}, {"prefix": "labels/"}]
    condition = grants.trust_policy(grant) or {}
    assert condition["Statement"][0]["Condition"]["StringEquals"]["oidc.example.com/id/7:aud"] == "sts.amazonaws.com"


def test_a_reader_reads_by_least_privilege(s3: Server, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-06: list and get are enough for the data itself."""
    storage_for(place.uri, Access()).put(place.uri + "a.csv", b"1")
    use(monkeypatch, s3.environment(READER))
    found = told(check(place, Access()))
    assert found["s3:ListBucket"] and found["s3:GetObject"]
