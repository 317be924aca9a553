"""Which hosts may be reached by URLs that a caller names: by default none that guard the secrets of a machine."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from driftline.errors import Denied, Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "169.254.0.0/16",  # link-local: instance metadata of AWS, Azure, Google, and of most others
            "fe80::/10",
            "fd00:ec2::/32",  # AWS by IPv6
            "fd20:ce::254/128",  # Google by IPv6
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure's host
            "192.0.0.192/32",  # Oracle
            "0.0.0.0/8",
            "::/128",
            "224.0.0.0/3",  # multicast, reserved, broadcast
            "ff00::/8",
        ),
    )
)
"""Addresses that are called only if their network is listed as allowed."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}
_REMEDY = "The operator may allow it in DRIFTLINE_ALLOWED_HOSTS."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads; `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """Cut a URL; raises `Invalid` for what is not plain http or https, or holds credentials.

        >>> Target.of("http://models.example:8080/churn/")
        Target(scheme='http', host='models.example', port=8080, path='/churn')
        """
        expected = "http://host:port/path or https://host/path, without credentials, query and fragment"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Invalid(what="URL of the model", got=url, expected=expected) from None
        plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
        if not plain or parts.scheme not in _PORTS or not host or "@" in parts.netloc or parts.query or parts.fragment:
            shown = url if "@" not in parts.netloc else f"{parts.scheme}://(hidden)@{host}"
            raise Invalid(what="URL of the model", got=shown, expected=expected)
        return cls(parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme], parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """Host and port as the header Host has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Patterns of host names (`*.models.example`), addresses and networks (`10.0.0.0/8`); none: all but `REFUSED`.

    A name that matches does not suffice where it leads to an address of `REFUSED`: its network must be listed too.
    """

    patterns: Sequence[str] = ()
    action: str = "calling a model"

    def check(self, target: Target, addresses: Iterable[Address]) -> None:
        """Raise `Denied` unless the host and every one of its addresses may be called."""
        networks = tuple(_networks(self.patterns))
        name = target.host.lower()
        by_name = not self.patterns or any(fnmatchcase(name, pattern.lower()) for pattern in self.patterns)
        found = tuple(addresses)
        if not found and not by_name and not networks:
            raise Denied(action=self.action, resource=target.host, remedy=_REMEDY)
        for address in found:
            forms = tuple(_forms(address))
            listed = all(any(form in network for network in networks) for form in forms)
            refused = any(form in network for form in forms for network in REFUSED)
            if not listed and (refused or not by_name):
                raise Denied(action=self.action, resource=f"{target.host} ({address})", remedy=_REMEDY)


def _networks(patterns: Iterable[str]) -> Iterator[Network]:
    for pattern in patterns:
        try:
            yield ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            continue  # a name


def _forms(address: Address) -> Iterator[Address]:
    """The address, and those of IPv4 that are hidden in one of IPv6.

    >>> [str(each) for each in _forms(ipaddress.ip_address("::ffff:169.254.169.254"))]
    ['169.254.169.254']
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    yield address
    hidden = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):  # also the old `::a.b.c.d`
        hidden.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    yield from (each for each in hidden if each is not None)


@dataclass(frozen=True, slots=True)
class Reach:
    """Which receivers may be told: public addresses, and names, addresses and networks that are listed.

    `near` adds loopback and private addresses, for a server that only its own machine reaches. Those of `REFUSED`
    need their network in the list, as with `Allowed`. `action` and `setting` are what errors say.
    """

    patterns: Sequence[str] = ()
    near: bool = False
    action: str = "sending alerts"
    setting: str = "DRIFTLINE_CHANNEL_HOSTS"

    def check(self, target: Target, addresses: Iterable[Address]) -> None:
        """Raise `Denied` unless every one of the addresses may be sent to.

        >>> Reach().check(Target("http", "intranet", 80, "/"), [ipaddress.ip_address("10.0.0.7")])
        Traceback (most recent call last):
            ...
        driftline.errors.Denied: access denied: sending alerts on intranet (10.0.0.7). ...
        """
        networks = tuple(_networks(self.patterns))
        by_name = any(fnmatchcase(target.host.lower(), pattern.lower()) for pattern in self.patterns)
        for address in addresses:
            forms = tuple(_forms(address))
            listed = all(any(form in network for network in networks) for form in forms)
            refused = any(form in network for form in forms for network in REFUSED)
            public = all(form.is_global for form in forms)
            if not listed and (refused or not (public or by_name or self.near)):
                remedy = f"The operator may allow it in {self.setting}."
                raise Denied(action=self.action, resource=f"{target.host} ({address})", remedy=remedy)


class Names:
    """Addresses of hosts, asked again after some seconds; threads may share it."""

    def __init__(self, seconds: float = 5.0) -> None:
        """`seconds` is how long an answer is used."""
        self._seconds = seconds
        self._known: dict[tuple[str, int], tuple[float, tuple[Address, ...]]] = {}

    def addresses(self, host: str, port: int) -> tuple[Address, ...]:
        """All addresses of a host; raises `OSError` (`socket.gaierror`)."""
        now = time.monotonic()
        until, found = self._known.get((host, port), (0.0, ()))
        if now < until:
            return found
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label of more than 63 letters
            raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
        texts = dict.fromkeys(str(answer[4][0]).partition("%")[0] for answer in answers)
        found = tuple(map(ipaddress.ip_address, texts))
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[host, port] = (now + self._seconds, found)
        return found
