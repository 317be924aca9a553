"""Every channel sends, refuses wrong configurations, tells what may be tried again, keeps secrets: AL-03, AL-08."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from receivers import Receiver, echoing, running_receiver

from driftline.channels.channel import PUBLIC, ChannelRefused, ChannelUnavailable
from driftline.channels.channels import CHANNELS, channel_of, check
from driftline.channels.message import Message
from driftline.errors import CallerError, Denied, Invalid, Unavailable
from driftline.hosts import Reach

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it

NEAR = Reach(near=True)
SECRETS = {
    "SIGNING": "signing-secret-8161",
    "BEARER": "Bearer bearer-secret-5501",
    "ROUTING": "routing-secret-000000000000003217",
    "GENIE": "genie-secret-9907",
    "ACCESS": "AKIAACCESSSECRET4410",
    "SECRET": "aws-secret-2288",
    "PASSWORD": "smtp-secret-6604",
}
"""What references mean in these tests; `URL` is the receiver's with a secret path."""

SECRET_PATH = "/hook/path-secret-7313"

MESSAGE = Message(
    key="2f0c7be8-6d1c-5a35-8cd7-d9f5b8e4f1aa",
    state="firing",
    severity="critical",
    title="churn: age drifts",
    text="Look at the upstream table first.\nOwner: <ops@acme.example> & friends",
    model="churn",
    cause="data quality",
    link="https://driftline.example/console/runs/17",
    at=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
    lines=("age: PSI 0.41, at most 0.2", "plan: 3 new values <script>"),
    monitor="data-quality-schedule",
    endpoint="churn-endpoint",
    report="s3://acme/reports/constraint_violations.json",
)
LONG = replace(
    MESSAGE, title="ä & <b>" * 300, text="word " * 2000, lines=tuple(f"{each} {'x' * 200}" for each in range(99))
)

AWS = {"access_key": "env:ACCESS", "secret_key": "env:SECRET", "region": "us-east-1", "seconds": 1}
ARN = "arn:aws:{}:us-east-1:123456789012:{}"

Config = dict[str, Any]

HTTP: dict[str, Callable[[str], Config]] = {
    "webhook": lambda url: {"url": "env:URL", "secret": "env:SIGNING", "authorization": "env:BEARER", "seconds": 1},
    "slack": lambda url: {"url": "env:URL", "seconds": 1},
    "teams": lambda url: {"url": "env:URL", "seconds": 1},
    "pagerduty": lambda url: {"routing_key": "env:ROUTING", "url": url, "seconds": 1},
    "opsgenie": lambda url: {"api_key": "env:GENIE", "url": url, "seconds": 1},
    "sns": lambda url: {"topic": ARN.format("sns", "alerts"), "url": url, **AWS},
    "lambda": lambda url: {"function": ARN.format("lambda", "function:told"), "url": url, **AWS},
    "eventbridge": lambda url: {"url": url, **AWS},
    "cloudwatch": lambda url: {"url": url, **AWS},
    "apprise": lambda url: {"url": "env:APPRISE"},
}
"""A configuration for a receiver at a URL, by kind of channel."""

OWN_CONNECTIONS = {"apprise"}
"""Whose hosts are not checked, and whose failures are all alike: the library tells no more."""

MAIL: Config = {
    "host": "127.0.0.1",
    "security": "none",
    "from": "d@acme.example",
    "to": ["o@acme.example"],
    "seconds": 1,
}
CONFIGS: dict[str, Config] = {**{kind: make("http://127.0.0.1:9") for kind, make in HTTP.items()}, "email": MAIL}


def secrets_of(url: str) -> Callable[[str], str]:
    """What references mean, with a receiver at `url`."""
    own = {"URL": url + SECRET_PATH, "APPRISE": url.replace("http", "json") + f"{SECRET_PATH}?cto=1&rto=1"}
    known = {f"env:{name}": value for name, value in (SECRETS | own).items()}
    return known.__getitem__


def send(kind: str, url: str, message: Message = MESSAGE, reach: Reach = NEAR, **config: Any) -> None:
    """Tell a receiver."""
    CHANNELS[kind].send(message, {**HTTP[kind](url), **config}, secrets_of(url), reach=reach)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint that takes all."""
    with running_receiver() as found:
        yield found


def keeps_secrets(error: BaseException) -> None:
    """Fail if an error tells a secret, in whatever way it is shown."""
    shown = f"{error!r} {error} {traceback.format_exception(error)}"
    assert not [each for each in (*SECRETS.values(), "path-secret") if each in shown]


def test_every_channel_has_an_example_here() -> None:
    assert set(CONFIGS) == set(CHANNELS)
    for kind, config in CONFIGS.items():
        check(kind, config)


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_wrong_configuration_is_refused_by_the_name_of_the_member(kind: str) -> None:
    config, channel = CONFIGS[kind], channel_of(kind)
    with pytest.raises(Invalid, match="member of the channel: got 'nonsense'"):
        check(kind, {**config, "nonsense": 1})
    for member in channel.members:
        with pytest.raises(Invalid, match=rf"^{member.name}: "):
            check(kind, {**config, member.name: -1})
        if member.required:
            without = {name: value for name, value in config.items() if name != member.name}
            with pytest.raises(Invalid, match=rf"^{member.name}: got 'nothing'"):
                check(kind, without)
            with pytest.raises(Invalid, match=rf"^{member.name}: got 'nothing'"):
                channel.send(MESSAGE, without, secrets_of(""), reach=NEAR)
        if member.kind == "secret":
            with pytest.raises(Invalid, match=rf"^{member.name}: .*env:NAME") as refused:
                check(kind, {**config, member.name: SECRETS["PASSWORD"]})
            keeps_secrets(refused.value)


@pytest.mark.parametrize("kind", CHANNELS)
def test_the_servers_own_secrets_are_not_sent(kind: str) -> None:
    for member in channel_of(kind).members:
        if member.kind in ("secret", "url"):
            with pytest.raises(Invalid, match=rf"^{member.name}: .*DRIFTLINE_"):
                check(kind, {**CONFIGS[kind], member.name: "env:DRIFTLINE_SECRET_KEY"})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(Invalid, match=r"kind of channel: got 'pigeon', expected one of webhook, slack"):
        check("pigeon", {})


@pytest.mark.parametrize("message", [MESSAGE, LONG], ids=["usual", "long"])
@pytest.mark.parametrize("kind", [kind for kind in HTTP if "region" not in CONFIGS[kind]])
def test_a_message_is_one_request(kind: str, message: Message, receiver: Receiver) -> None:
    send(kind, receiver.url, message)
    assert len(receiver.got) == 1
    assert receiver.got[0].headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("kind", HTTP)
def test_a_failing_receiver_is_unavailable_and_a_refusing_one_refuses(kind: str, receiver: Receiver) -> None:
    receiver.answer = echoing(500)
    with pytest.raises(Unavailable) as failed:
        send(kind, receiver.url)
    keeps_secrets(failed.value)
    receiver.answer = echoing(400)
    with pytest.raises(Unavailable if kind in OWN_CONNECTIONS else ChannelRefused) as refused:
        send(kind, receiver.url)
    keeps_secrets(refused.value)
    assert CHANNELS[kind].title in str(refused.value)
    assert len(receiver.got) == 2  # nothing is tried again here: the queue does that


@pytest.mark.parametrize("kind", HTTP)
def test_a_stalled_receiver_is_unavailable_in_time(kind: str, receiver: Receiver) -> None:
    receiver.stalls = 5.0
    began = time.monotonic()
    with pytest.raises(ChannelUnavailable) as failed:
        send(kind, receiver.url)
    keeps_secrets(failed.value)
    assert time.monotonic() - began < 4.0


@pytest.mark.parametrize("kind", HTTP)
def test_a_receiver_that_is_away_is_unavailable(kind: str) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))  # bound, and not listening
        with pytest.raises(ChannelUnavailable) as failed:
            send(kind, f"http://127.0.0.1:{probe.getsockname()[1]}")
    keeps_secrets(failed.value)


@pytest.mark.parametrize("kind", [kind for kind in HTTP if kind not in OWN_CONNECTIONS])
def test_private_and_link_local_receivers_are_refused(kind: str, receiver: Receiver) -> None:
    with pytest.raises(Denied, match="DRIFTLINE_CHANNEL_HOSTS"):
        send(kind, receiver.url, reach=PUBLIC)
    with pytest.raises(Denied):
        send(kind, "http://169.254.169.254", reach=NEAR)
    with pytest.raises(Denied):
        send(kind, "http://[::ffff:169.254.169.254]", reach=NEAR)
    assert not receiver.got
    receiver.answer = echoing(500)  # whether it is called at all
    with pytest.raises(ChannelUnavailable):
        send(kind, receiver.url, reach=Reach(("127.0.0.0/8",)))
    assert receiver.got


@pytest.mark.parametrize("kind", ["webhook", "slack", "teams", "pagerduty", "opsgenie"])
def test_redirects_are_not_followed(kind: str, receiver: Receiver) -> None:
    receiver.answer = lambda request: (307, "elsewhere")
    with pytest.raises(ChannelRefused, match=r"a redirect \(307\)"):
        send(kind, receiver.url)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503])
def test_what_passes_is_tried_again(status: int, receiver: Receiver) -> None:
    receiver.answer = lambda request: (status, "later")
    with pytest.raises(ChannelUnavailable, match=str(status)):
        send("webhook", receiver.url)


def test_a_secret_that_cannot_stand_in_a_header_is_refused_unseen(receiver: Receiver) -> None:
    with pytest.raises(Invalid, match="header Authorization") as refused:
        broken = {**HTTP["webhook"](receiver.url), "authorization": "file:/x"}
        told = secrets_of(receiver.url)
        wrong = f"{SECRETS['BEARER']}\nmore"
        CHANNELS["webhook"].send(MESSAGE, broken, lambda each: wrong if each == "file:/x" else told(each), reach=NEAR)
    keeps_secrets(refused.value)
    assert not receiver.got


def test_a_url_with_a_user_is_refused_unseen() -> None:
    with pytest.raises(CallerError) as refused:
        send("slack", f"http://{SECRETS['GENIE']}@127.0.0.1")
    keeps_secrets(refused.value)
