"""Wrong keys and signatures are limited by the address that they come from."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from driftline.server.auth import Principal, claimed
from driftline.server.errors import AwsError
from driftline.server.limits import CALLERS, Rate
from driftline.server.messages import Received

TOO_MANY = "Rate exceeded: too many requests with wrong credentials came from this address."


class Guard:
    """Lets callers in who prove what they claim; threads may share it, and its memory is bounded.

    An address that failed too often is not listened to for a while: its claims are not looked up. Only callers who
    came in from there before are, so that nobody behind the same proxy is shut out by the failures of another one.
    """

    def __init__(self, per_minute: float) -> None:
        """So many failures a minute are answered for one address, and as many at once."""
        self._failures = Rate(per_minute / 60, burst=per_minute)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()

    def admit(
        self, received: Received, moment: float, verify: Callable[[], Principal], too_many: AwsError
    ) -> Principal:
        """Whom `verify` finds; raises what it raises, and `too_many` where it is not asked.

        `moment` is in seconds of a clock that never goes back. Requests without any credentials are no failures:
        nothing is looked up for them.
        """
        claim = claimed(received)
        if claim is None:
            return verify()
        address = network_of(received.peer)
        if not self._failures.has(address, moment) and not self._knows(address, claim):
            raise too_many
        try:
            principal = verify()
        except AwsError:
            self._failures.take(address, moment)
            raise
        self._remember(address, claim)
        return principal

    def _knows(self, address: str, claim: str) -> bool:
        with self._lock:
            return (address, claim) in self._known

    def _remember(self, address: str, claim: str) -> None:
        with self._lock:
            self._known[address, claim] = None
            self._known.move_to_end((address, claim))
            if len(self._known) > CALLERS:
                self._known.popitem(last=False)


def network_of(peer: str) -> str:
    """The address, of IPv6 its first 64 bits: all the rest is for one machine to choose.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2"), network_of("::ffff:192.0.2.7"), network_of("")
    ('192.0.2.7', '2001:db8::', '192.0.2.7', '')
    """
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.IPv6Network((found, 64), strict=False).network_address)
