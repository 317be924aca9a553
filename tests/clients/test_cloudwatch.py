"""CloudWatch by unmodified boto3 against the running server, and by forms as older clients send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from examples import shared
from serving import ACCESS_KEY, REGION, SECRET_KEY, Served, serving, until

from driftline.alarms import samples
from driftline.catalog import Catalog, metrics
from driftline.server.aws import cbor

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)
SPACE = "aws/sagemaker/Endpoints/data-metrics"
ALARM: dict[str, Any] = {
    "AlarmName": "drift",
    "Namespace": "tests",
    "MetricName": "m",
    "Statistic": "Average",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 0.1,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running server."""
    with serving(tmp_path_factory.mktemp("cloudwatch") / "home", {"AWS_EC2_METADATA_DISABLED": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
def client(served: Served) -> Any:
    return served.client("cloudwatch")


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def put(client: Any, name: str, *data: dict[str, Any], namespace: str = "tests") -> None:
    client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": name, **each} for each in data])


def test_metrics_are_told_listed_and_asked_for(client: Any) -> None:
    """AL-07: values, arrays of values and statistics, with dimensions, by period."""
    start = NOW.replace(minute=0, second=0) - HOUR
    size = [{"Name": "Endpoint", "Value": "größe"}]
    at = start + timedelta(minutes=5)
    put(
        client,
        "sizes",
        {"Value": 2.0, "Timestamp": at, "Dimensions": size, "Unit": "Count"},
        {"Values": [4.0, 6.0], "Counts": [1.0, 2.0], "Timestamp": at, "Dimensions": size, "Unit": "Count"},
        {
            "StatisticValues": {"SampleCount": 4, "Sum": 20, "Minimum": 1, "Maximum": 9},
            "Timestamp": at + timedelta(minutes=30),
            "Dimensions": size,
            "Unit": "Count",
        },
        {"Value": 1000.0, "Timestamp": at},
    )
    listed = client.list_metrics(Namespace="tests", MetricName="sizes", Dimensions=[{"Name": "Endpoint"}])["Metrics"]
    assert listed == [{"Namespace": "tests", "MetricName": "sizes", "Dimensions": size}]
    asked = {"Namespace": "tests", "MetricName": "sizes", "Dimensions": size, "Unit": "Count"}
    found = client.get_metric_statistics(
        **asked, StartTime=start, EndTime=start + HOUR, Period=3600, Statistics=["Average", "Sum", "SampleCount"]
    )
    assert found["Datapoints"] == [
        {"Timestamp": start, "Unit": "Count", "Average": 4.75, "Sum": 38.0, "SampleCount": 8.0}
    ]
    found = client.get_metric_statistics(
        **asked, StartTime=start, EndTime=start + HOUR, Period=600, ExtendedStatistics=["p50"]
    )
    assert [each.get("ExtendedStatistics") for each in found["Datapoints"]] == [{"p50": 4.0}, None]
    query = {"Id": "q", "MetricStat": {"Metric": {**asked}, "Period": 1800, "Stat": "Maximum"}}
    query["MetricStat"]["Metric"].pop("Unit")  # type: ignore[index]
    answer = client.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=start + HOUR)
    (result,) = answer["MetricDataResults"]
    assert result["Values"] == [9.0, 6.0]
    assert result["Timestamps"] == [start + timedelta(minutes=30), start]
    assert result["StatusCode"] == "Complete"


def test_a_thousand_metrics_come_compressed_and_are_listed_in_pages(client: Any) -> None:
    names = [f"feature_baseline_drift_{number}" for number in range(1000)]
    client.put_metric_data(Namespace="many", MetricData=[{"MetricName": name, "Value": 0.5} for name in names])
    pages = list(client.get_paginator("list_metrics").paginate(Namespace="many", RecentlyActive="PT3H"))
    assert len(pages) == 2
    assert {each["MetricName"] for page in pages for each in page["Metrics"]} == set(names)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"Value": 1.0, "Values": [1.0]}, "the value of m"),
        ({"Value": 1e200}, "from -2^360 to 2^360"),
        ({"Value": -1e200}, "from -2^360 to 2^360"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "as many Counts"),
        ({"Value": 1.0, "Timestamp": NOW + timedelta(days=1)}, "2 hours ahead"),
    ],
)
def test_what_is_no_sample_is_refused(client: Any, data: dict[str, Any], said: str) -> None:
    code, message = refused(client.put_metric_data, Namespace="bad", MetricData=[{"MetricName": "m", **data}])
    assert code == "InvalidParameterValue"
    assert said in message
    assert client.list_metrics(Namespace="bad")["Metrics"] == []


def test_the_seeds_alarm_is_made(client: Any) -> None:
    """The documentation's alarm on drift, run as it is written (AL-07)."""
    text = shared("seeds", "004_de7689b1cf20d5d1.txt").read_text(encoding="utf-8")
    start = text.index("cloudwatch.put_metric_alarm(")
    exec(compile(text[start : text.index("\n)", start) + 2], "seed, alarm", "exec"), {"cloudwatch": client})
    (alarm,) = client.describe_alarms(AlarmNames=["model-data-drift"])["MetricAlarms"]
    assert alarm["AlarmActions"] == ["arn:aws:sns:us-west-2:123:alerts"]
    assert (alarm["Threshold"], alarm["Period"], alarm["Namespace"]) == (0.1, 3600, SPACE)
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {
        "Endpoint": "my-endpoint",
        "MonitoringSchedule": "data-quality-monitor",
    }
    drift = {"MetricName": "feature_baseline_drift_distance", "Dimensions": alarm["Dimensions"], "Value": 0.4}
    client.put_metric_data(Namespace=SPACE, MetricData=[{**drift, "Timestamp": datetime.now(UTC) - HOUR / 2}])
    client.put_metric_alarm(**{name: alarm[name] for name in _GIVEN})  # configured anew it is judged at once
    until(lambda: client.describe_alarms(AlarmNames=["model-data-drift"])["MetricAlarms"][0]["StateValue"] == "ALARM")
    (said, *_) = client.describe_alarm_history(AlarmName="model-data-drift", HistoryItemType="Action")[
        "AlarmHistoryItems"
    ]
    assert "there is no such topic on this server" in said["HistorySummary"]


_GIVEN = (
    "AlarmName",
    "ComparisonOperator",
    "EvaluationPeriods",
    "MetricName",
    "Namespace",
    "Period",
    "Statistic",
    "Threshold",
    "ActionsEnabled",
    "AlarmActions",
    "Dimensions",
)


def test_an_alarm_goes_off_by_itself_and_its_history_tells(client: Any) -> None:
    """AL-07: judged by the server's own worker; configured, gone off and deleted, each told in its history."""
    client.put_metric_alarm(**ALARM, TreatMissingData="ignore", Tags=[{"Key": "team", "Value": "ml"}])
    (alarm,) = client.describe_alarms(AlarmNamePrefix="dri", StateValue="INSUFFICIENT_DATA")["MetricAlarms"]
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"
    assert client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"] == [{"Key": "team", "Value": "ml"}]
    put(client, "m", {"Value": 3.0, "StorageResolution": 1})
    until(lambda: client.describe_alarms(AlarmNames=["drift"], StateValue="ALARM")["MetricAlarms"])
    client.set_alarm_state(AlarmName="drift", StateValue="OK", StateReason="tried out")
    client.disable_alarm_actions(AlarmNames=["drift"])
    assert not client.describe_alarms(AlarmNames=["drift"])["MetricAlarms"][0]["ActionsEnabled"]
    client.delete_alarms(AlarmNames=["drift"])
    assert client.describe_alarms(AlarmNames=["drift"])["MetricAlarms"] == []
    items = client.describe_alarm_history(AlarmName="drift", ScanBy="TimestampAscending")["AlarmHistoryItems"]
    summaries = [each["HistorySummary"] for each in items]
    assert summaries[:2] == ['Alarm "drift" created', "Alarm updated from INSUFFICIENT_DATA to ALARM"]
    assert "Alarm updated from ALARM to OK" in summaries
    assert summaries[-1] == 'Alarm "drift" deleted'
    assert json.loads(items[1]["HistoryData"])["newState"]["stateReasonData"]["recentDatapoints"] == [3.0]
    pages = client.get_paginator("describe_alarm_history").paginate(AlarmName="drift", PaginationConfig={"PageSize": 2})
    assert len([each for page in pages for each in page["AlarmHistoryItems"]]) >= len(items)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Period": 45}, "multiple of 60"),
        ({"Statistic": "Average", "ExtendedStatistic": "p90"}, "either Statistic"),
        ({"Statistic": None, "ExtendedStatistic": "tm90"}, "p0 to p100"),
        ({"DatapointsToAlarm": 2}, "at most EvaluationPeriods"),
        ({"Period": 86_400, "EvaluationPeriods": 8}, "604800 seconds at most"),
        ({"TreatMissingData": "never"}, "notBreaching"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "GreaterThanThreshold"),
        ({"Threshold": None}, "Threshold"),
        ({"ThresholdMetricId": "t"}, "an alarm on one metric"),
    ],
)
def test_what_is_no_alarm_is_refused_by_its_member(client: Any, changed: dict[str, Any], said: str) -> None:
    asked = {name: value for name, value in {**ALARM, **changed}.items() if value is not None}
    code, message = refused(client.put_metric_alarm, **asked)
    assert code == "InvalidParameterValue"
    assert said in message


def test_alarms_that_are_not_there(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.set_alarm_state(AlarmName="nobody", StateValue="OK", StateReason="x")
    assert refused(client.delete_alarms, AlarmNames=["nobody"])[0] == "ResourceNotFound"
    assert (
        "Expressions"
        in refused(
            client.get_metric_data,
            MetricDataQueries=[{"Id": "e", "Expression": "1"}],
            StartTime=NOW - HOUR,
            EndTime=NOW,
        )[1]
    )


def test_alarms_are_paged_by_name(client: Any) -> None:
    names = [f"paged-{number:03d}" for number in range(5)]
    for name in names:
        client.put_metric_alarm(**{**ALARM, "AlarmName": name})
    pages = list(
        client.get_paginator("describe_alarms").paginate(AlarmNamePrefix="paged-", PaginationConfig={"PageSize": 2})
    )
    assert [each["AlarmName"] for page in pages for each in page["MetricAlarms"]] == names
    client.delete_alarms(AlarmNames=names)


def spoken(served: Served, operation: str, value: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """The answer to a signed request in CBOR: status, headers, value."""
    body = cbor.dumps(value)
    path = f"/service/GraniteServiceVersion20100801/operation/{operation}"
    headers = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor", "Accept": "application/cbor"}
    request = AWSRequest("POST", f"{served.url}{path}", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "monitoring", REGION).add_auth(request)
    answer = urllib3.request("POST", f"{served.url}{path}", body=body, headers=dict(request.headers.items()))
    return answer.status, dict(answer.headers), cbor.loads(answer.data)


def test_cbor_is_answered_in_cbor(served: Served) -> None:
    data = {"Namespace": "cbor", "MetricData": [{"MetricName": "m", "Value": 2.5, "Timestamp": NOW}]}
    status, headers, answer = spoken(served, "PutMetricData", data)
    assert (status, answer, headers["smithy-protocol"]) == (200, {}, "rpc-v2-cbor")
    asked = {"Namespace": "cbor", "MetricName": "m", "StartTime": NOW - HOUR, "EndTime": NOW + HOUR, "Period": 60}
    status, _, answer = spoken(served, "GetMetricStatistics", {**asked, "Statistics": ["Sum"]})
    (point,) = answer["Datapoints"]
    assert (status, point["Sum"]) == (200, 2.5)
    assert datetime.fromtimestamp(point["Timestamp"], UTC) == NOW.replace(second=0)
    broken = {"Namespace": "cbor", "MetricData": [{"MetricName": "m", "Value": float("nan")}]}
    status, headers, answer = spoken(served, "PutMetricData", broken)
    assert (status, answer["__type"]) == (400, "InvalidParameterValue")
    status, _, answer = spoken(served, "SetAlarmState", {"AlarmName": "nobody", "StateValue": "?", "StateReason": "x"})
    assert (status, answer["__type"]) == (400, "ValidationError")


def form(served: Served, secret: str = SECRET_KEY, **fields: str) -> tuple[int, ElementTree.Element]:
    """The answer to a signed form, as Terraform and older clients send them."""
    body = urlencode({"Version": "2010-08-01", **fields})
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", f"{served.url}/", data=body, headers=headers)
    SigV4Auth(Credentials(ACCESS_KEY, secret), "monitoring", REGION).add_auth(request)
    answer = urllib3.request("POST", f"{served.url}/", body=body, headers=dict(request.headers.items()))
    return answer.status, ElementTree.fromstring(answer.data)


def test_forms_are_answered_in_xml(served: Served) -> None:
    dimension = {"Dimensions.member.1.Name": "a", "Dimensions.member.1.Value": "<b> & c"}
    put_alarm = {"AlarmName": "by form", "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": "60"}
    put_alarm |= {"EvaluationPeriods": "2", "Threshold": "1.5", "ComparisonOperator": "LessThanThreshold"}
    status, answer = form(served, Action="PutMetricAlarm", ActionsEnabled="false", **put_alarm, **dimension)
    assert status == 200, ElementTree.tostring(answer)
    status, answer = form(served, Action="DescribeAlarms", **{"AlarmNames.member.1": "by form"})
    space = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"
    (alarm,) = answer.findall(f"{space}DescribeAlarmsResult/{space}MetricAlarms/{space}member")
    found = {each.tag.removeprefix(space): each.text for each in alarm}
    assert (found["Threshold"], found["ActionsEnabled"], found["EvaluationPeriods"]) == ("1.5", "false", "2")
    assert alarm.find(f"{space}Dimensions/{space}member/{space}Value").text == "<b> & c"  # type: ignore[union-attr]
    status, answer = form(served, Action="PutMetricAlarm", **{**put_alarm, "Period": "x"})
    assert (status, answer.findtext("Error/Code")) == (400, "ValidationError")
    status, answer = form(served, "wrong", Action="DescribeAlarms")
    assert status in (400, 403)
    assert "signature" in (answer.findtext("Error/Message") or "")


def test_metrics_of_runs_are_there_with_the_dimensions_of_their_schedule(tmp_path: Path) -> None:
    """ME-01: what a run found is kept where the calls find it, in SageMaker's namespace."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'a.sqlite'}")
    catalog.migrate()
    from driftline.processing import recording

    environment = {"publish_cloudwatch_metrics": "Enabled", "analysis_type": "MODEL_QUALITY"}
    found: list[dict[str, Any]] = [
        {"MetricName": "f2", "Value": 0.5, "Unit": "None", "Timestamp": "2026-03-01T10:00:00Z", "Dimensions": []},
        {"MetricName": "broken", "Value": "much", "Dimensions": []},
        {"MetricName": 7, "Value": 1, "Dimensions": "none"},
    ]
    with catalog.begin() as tx:
        recording.record(tx, environment, found, NOW)
    with catalog.read() as tx:
        ((_, metric),) = metrics.listed(tx)
        (sample,) = metrics.samples(tx, metric, datetime(2026, 3, 1, 10, tzinfo=UTC), NOW)
    assert (metric.namespace, metric.name, sample.sum) == ("aws/sagemaker/Endpoints/model-metrics", "f2", 0.5)
    assert samples.read(found[0], metric.namespace, now=NOW)[1] == sample
    catalog.close()
