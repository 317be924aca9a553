"""Signature version 4: whether a request was signed, in its headers or its query, by who has the secret.

AWS, "Create a signed AWS API request", https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

A signature stays good for five minutes. Within them the same one may come more than once: boto3 dates requests by
the second, so two equal calls in a second are signed alike and both are meant. Who can read a request on its way
can repeat it for that long; TLS in front of the server is what prevents reading.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from driftline.server.errors import AwsError
from driftline.server.messages import Received

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW = timedelta(minutes=5)
LONGEST = timedelta(days=7)
"""How long a signed address may be good, as AWS has it."""
DATED = "%Y%m%dT%H%M%SZ"

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_FIELD = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*(?:,|$)")


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature."""

    access_key: str
    day: str
    region: str
    scope: str
    signed: tuple[str, ...]
    signature: str
    dated: str
    lasts: timedelta | None
    """How long a signed address is good; None for a signature in the headers."""


def claim(received: Received) -> Claim:
    """The claim of a request; raises `AwsError` MissingAuthenticationToken… or IncompleteSignatureException."""
    header = received.headers.get("authorization", "")
    query = dict(_pairs(received.query))
    if header.startswith(ALGORITHM):
        fields = dict(_FIELD.findall(header[len(ALGORITHM) :]))
        dated, lasts = received.headers.get("x-amz-date", ""), None
    elif query.get("X-Amz-Algorithm") == ALGORITHM:
        fields = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        dated, lasts = query.get("X-Amz-Date", ""), _lasting(query.get("X-Amz-Expires", ""))
    else:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise _incomplete(f"Authorization requires '{name}' parameter.")
    parts = fields["Credential"].rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise _incomplete("Credential must have the form KEY/DATE/REGION/SERVICE/aws4_request.")
    signed = tuple(fields["SignedHeaders"].split(";"))
    return Claim(parts[0], parts[1], parts[2], parts[3], signed, fields["Signature"], dated, lasts)


def verify(received: Received, secret_of: Callable[[str], str | None], *, scope: str, now: datetime) -> str:
    """The access key that signed the request for this scope; raises `AwsError` with AWS's code and words."""
    said = claim(received)
    if said.scope != scope:
        raise _invalid(f"Credential should be scoped to correct service: '{scope}'.")
    _check_time(said, now)
    needed = {"host"} if said.lasts is not None else {"host", "x-amz-date"}
    needed |= {name for name in received.headers if name.startswith("x-amz-")}
    for name in sorted(needed - set(said.signed)):
        raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    secret = secret_of(said.access_key)
    if secret is None:
        raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")
    key = signing_key(secret, said.day, said.region, said.scope)
    expected = hmac.new(key, _to_sign(said, received).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), said.signature.encode()):
        raise _invalid(_MISMATCH)
    return said.access_key


def sign(sent: Received, access_key: str, secret: str, *, scope: str, region: str, now: datetime) -> dict[str, str]:
    """The headers that sign a request for `scope`; `sent` has its `host` header, and its path as it goes out."""
    dated = now.astimezone(UTC).strftime(DATED)
    signed = {"host": sent.headers["host"], "x-amz-date": dated}
    said = Claim(access_key, dated[:8], region, scope, tuple(signed), "", dated, None)
    key = signing_key(secret, said.day, region, scope)
    text = _to_sign(said, replace(sent, headers=signed))
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"{access_key}/{said.day}/{region}/{scope}/aws4_request"
    fields = f"Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    return {"x-amz-date": dated, "authorization": f"{ALGORITHM} {fields}"}


def signing_key(secret: str, day: str, region: str, scope: str) -> bytes:
    """The key of one day, region and API, derived from the secret.

    >>> signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam").hex()[:16]
    'f4780e2d9f65fa89'
    """
    key = f"AWS4{secret}".encode()
    for part in (day, region, scope, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _check_time(said: Claim, now: datetime) -> None:
    try:
        dated = datetime.strptime(said.dated, DATED).replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got '{said.dated[:32]}'.") from None
    if said.dated[:8] != said.day:
        raise _invalid(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {said.dated}.")
    lasts = SKEW if said.lasts is None else said.lasts
    shown = now.strftime(DATED)
    if dated < now - lasts:
        bound = (now - lasts).strftime(DATED)
        ago = f"{lasts // timedelta(minutes=1)} min."
        raise _invalid(f"Signature expired: {said.dated} is now earlier than {bound} ({shown} - {ago})")
    if dated > now + SKEW:
        bound = (now + SKEW).strftime(DATED)
        raise _invalid(f"Signature not yet current: {said.dated} is still later than {bound} ({shown} + 5 min.)")


def _to_sign(said: Claim, received: Received) -> str:
    hashed = hashlib.sha256(_canonical(said, received).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{said.dated}\n{said.day}/{said.region}/{said.scope}/aws4_request\n{hashed}"


def _canonical(said: Claim, received: Received) -> str:
    """The canonical request: method, path, query, signed headers, digest of the body."""
    pairs = [pair for pair in _pairs(received.query) if pair[0] != "X-Amz-Signature"]
    quoted = sorted((_quoted(name), _quoted(value)) for name, value in pairs)  # `0=` before `00=`
    query = "&".join(f"{name}={value}" for name, value in quoted)
    headers = "".join(f"{name}:{' '.join(received.headers.get(name, '').split())}\n" for name in said.signed)
    names = ";".join(said.signed)
    path = quote(_normal(received.path), safe="/~")
    return f"{received.method}\n{path}\n{query}\n{headers}\n{names}\n{_body_digest(received.headers, received.body)}"


def _body_digest(headers: Mapping[str, str], body: bytes) -> str:
    """The digest of what was really received; a client's own claim of it must agree."""
    found = hashlib.sha256(body).hexdigest()
    claimed = headers.get("x-amz-content-sha256", found)
    if not hmac.compare_digest(claimed.encode("utf-8", "replace"), found.encode()):
        raise _invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
    return found


def _normal(path: str) -> str:
    """The path without `.`, `..` and empty segments, as all APIs but S3 sign it.

    >>> _normal("/a//b/../c/")
    '/a/c/'
    """
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    end = "/" if kept and path.endswith("/") else ""
    return "/" + "/".join(kept) + end


def _pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query, unquoted; a plus is a plus here."""
    found = (pair.partition("=") for pair in query.split("&") if pair)
    return [(unquote(name, errors="replace"), unquote(value, errors="replace")) for name, _, value in found]


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _lasting(seconds: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,6}", seconds) or timedelta(seconds=int(seconds)) > LONGEST:
        raise _incomplete("X-Amz-Expires must be a number of seconds, at most a week.")
    return timedelta(seconds=int(seconds))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message)


def _incomplete(message: str) -> AwsError:
    return AwsError("IncompleteSignatureException", message)
