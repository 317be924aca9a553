"""Who fails too often from one address is not listened to for a while."""

from __future__ import annotations

import pytest

from driftline.server.auth import SCOPES, Principal
from driftline.server.errors import AwsError
from driftline.server.guard import Guard
from driftline.server.limits import CALLERS
from driftline.server.messages import Received

TOO_MANY = AwsError("ThrottlingException", "Rate exceeded")


class Door:
    """A guard before one good key; `asked` are the keys that were looked up."""

    def __init__(self, per_minute: float) -> None:
        self.guard = Guard(per_minute)
        self.asked: list[str] = []

    def enter(self, key: str | None, peer: str = "192.0.2.7", moment: float = 0.0) -> str:
        """The code with which somebody is refused, or "in"."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}

        def verify() -> Principal:
            self.asked.append(key or "")
            if key != "good":
                raise AwsError("unauthenticated", "no", 401)
            return Principal("key", frozenset(SCOPES))

        try:
            self.guard.admit(Received("GET", "/", "", headers, b"", peer), moment, verify, TOO_MANY)
        except AwsError as error:
            return error.told.code
        return "in"


def test_failures_are_limited_by_address_and_time() -> None:
    door = Door(60)
    assert [door.enter(f"bad-{each}") for each in range(60)] == ["unauthenticated"] * 60
    assert door.enter("bad") == "ThrottlingException"
    assert len(door.asked) == 60, "what is refused is not looked up"
    assert door.enter("bad", "192.0.2.8") == "unauthenticated"
    assert door.enter("bad", moment=1.0) == "unauthenticated"
    assert door.enter("bad", moment=1.0) == "ThrottlingException"


def test_who_came_in_before_is_let_in_again() -> None:
    """Behind one proxy, the failures of another must shut nobody out; a stranger waits, though the key is good."""
    door = Door(5)
    assert door.enter("good") == "in"
    for each in range(9):
        door.enter(f"bad-{each}")
    assert door.enter("good") == "in"
    for each in range(9):
        door.enter(f"bad-{each}", "192.0.2.8")
    assert door.enter("good", "192.0.2.8") == "ThrottlingException"
    assert door.enter("good", "192.0.2.8", moment=60.0) == "in"


def test_requests_without_credentials_are_no_failures() -> None:
    door = Door(2)
    assert [door.enter(None) for _ in range(9)] == ["unauthenticated"] * 9
    assert door.enter("good") == "in"


def test_the_memory_is_bounded() -> None:
    door = Door(1)
    for each in range(CALLERS + 50):
        peer = f"10.{each >> 16}.{each >> 8 & 255}.{each & 255}"
        door.enter("good", peer)
        door.enter("bad", peer)
    assert len(door.guard._known) == len(door.guard._failures._buckets) == CALLERS


@pytest.mark.parametrize("other", ["2001:db8::ffff", "2001:db8:0:0:1::"])
def test_an_ipv6_network_is_one_address(other: str) -> None:
    door = Door(1)
    door.enter("bad", "2001:db8::1")
    assert door.enter("bad", other) == "ThrottlingException"
    assert door.enter("bad", "2001:db8:0:1::1") == "unauthenticated"
