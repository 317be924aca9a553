"""The provider of identities: what it says of itself, where people are sent, and whom it signs in."""

from __future__ import annotations

import hmac
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from driftline.catalog.sessions import Person
from driftline.errors import Invalid
from driftline.hosts import Reach
from driftline.server.errors import AwsError
from driftline.server.oidc.asking import Answered, ProviderUnavailable, ask
from driftline.server.oidc.rights import person_of, refuse_unknown
from driftline.server.oidc.tokens import refused, require_library, verified
from driftline.settings import Settings
from driftline.storage import secrets

KEPT_SECONDS, AGAIN_SECONDS, AWAY_SECONDS = 3600.0, 30.0, 5.0
"""How long what a provider says of itself is used; after how long it is asked again for a key that is new, and after
how long if it did not answer."""


@dataclass(frozen=True)
class Described:
    """What a provider says of itself, and when it was asked."""

    document: Mapping[str, Any]
    keys: Mapping[str, Any]
    at: float


@dataclass(frozen=True)
class Attempt:
    """One try of a person to sign in: all that must come back is made of a seed that the browser keeps."""

    seed: str

    @property
    def state(self) -> str:
        """By which the answer of the provider is known as that to this browser's question."""
        return self._made("state")

    @property
    def nonce(self) -> str:
        """By which the token is known as one for this question."""
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        """By which the provider knows that who asks for the token is who asked for the code (PKCE, RFC 7636)."""
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        """What the provider is told of the verifier beforehand (S256).

        >>> len(Attempt("seed").challenge), Attempt("seed").state == Attempt("weed").state
        (43, False)
        """
        return _plain(sha256(self.verifier.encode()).digest())

    def _made(self, purpose: str) -> str:
        return _plain(hmac.new(self.seed.encode(), purpose.encode(), sha256).digest())


@dataclass
class Provider:
    """A provider and this server as its client; threads may share it. Nothing is asked before somebody signs in."""

    settings: Settings
    reach: Reach
    seconds: Callable[[], float] = time.monotonic
    _known: Described | None = None
    _away: tuple[float, ProviderUnavailable] | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What people are told: the host."""
        return urlsplit(self.settings.oidc_issuer).hostname or "OpenID Connect"

    def address(self, attempt: Attempt, back: str) -> str:
        """Where a person is sent to sign in, to come back to `back`; raises `ProviderUnavailable`, `Invalid`."""
        asked = {
            "response_type": "code",
            "client_id": self.settings.oidc_client_id,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.oidc_scopes))),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        at = self._endpoint(self._described(), "authorization_endpoint")
        return f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"

    def person(self, attempt: Attempt, code: str, back: str, *, now: datetime) -> Person:
        """Who brings a code from the provider.

        Raises `AwsError` (401) where the code or the token is not good, `Denied` for somebody who has no role here,
        `ProviderUnavailable`.
        """
        described = self._described()
        token = self._exchange(described, attempt, code, back)
        told = {"issuer": self.settings.oidc_issuer, "client": self.settings.oidc_client_id, "nonce": attempt.nonce}
        try:
            claims = verified(token, described.keys, **told, now=now)
        except AwsError:
            again = self._described(older_than=AGAIN_SECONDS)
            if again is described:
                raise
            claims = verified(token, again.keys, **told, now=now)  # the provider has changed its keys
        return person_of(claims, self.settings.oidc_groups_claim, self.settings.oidc_roles)

    def _exchange(self, described: Described, attempt: Attempt, code: str, back: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        form["code_verifier"] = attempt.verifier
        client, headers = self.settings.oidc_client_id, dict[str, str]()
        if not self.settings.oidc_client_secret:
            form["client_id"] = client
        else:
            secret = secrets.read(self.settings.oidc_client_secret, "DRIFTLINE_OIDC_CLIENT_SECRET")
            ways = described.document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            if "client_secret_basic" in ways:
                both = f"{quote(client, safe='')}:{quote(secret, safe='')}"
                headers["authorization"] = f"Basic {b64encode(both.encode()).decode()}"
            else:
                form |= {"client_id": client, "client_secret": secret}
        answer = self._ask(self._endpoint(described, "token_endpoint"), urlencode(form).encode(), headers)
        token = answer.document.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise refused(f"the provider refused the code ({str(answer.document.get('error', answer.status))[:60]!r})")
        return token

    def _described(self, older_than: float = KEPT_SECONDS) -> Described:
        """What the provider says of itself, asked at most every so many seconds."""
        with self._turn:
            known = self._known
            if known is not None and self.seconds() - known.at < older_than:
                return known
            if self._away is not None and self.seconds() - self._away[0] < AWAY_SECONDS:
                raise self._away[1]  # many who wait for an answer would hold up everybody
            try:
                self._known = self._describe()
            except ProviderUnavailable as error:
                self._away = (self.seconds(), error)
                raise
            return self._known

    def _describe(self) -> Described:
        issuer = self.settings.oidc_issuer
        document = self._ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration").document
        if document.get("issuer") != issuer:
            got = str(document.get("issuer"))[:200]
            raise Invalid(what="issuer that the provider of identities says it is", got=got, expected=issuer)
        found = Described(document, {}, self.seconds())
        return Described(document, self._ask(self._endpoint(found, "jwks_uri")).document, found.at)

    def _endpoint(self, described: Described, name: str) -> str:
        found = described.document.get(name)
        secure = self.settings.oidc_issuer.startswith("https://")
        if not isinstance(found, str) or not found.startswith("https://" if secure else ("https://", "http://")):
            raise ProviderUnavailable(reason=f"its description has no {name}")
        return found

    def _ask(self, url: str, form: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answered:
        return ask(url, self.reach, form, headers)


def provider_of(settings: Settings) -> Provider | None:
    """The provider that the settings name, if they name one; raises `Invalid` for what is wrong in them."""
    if not settings.oidc_issuer:
        return None
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        expected = "https://HOST, perhaps with a path, as the provider says it itself"
        raise Invalid(what="DRIFTLINE_OIDC_ISSUER", got=settings.oidc_issuer, expected=expected)
    if not settings.oidc_client_id:
        raise Invalid(what="DRIFTLINE_OIDC_CLIENT_ID", got="nothing", expected="what the provider calls this server")
    if not settings.oidc_roles:
        remedy = 'For example {"mlops": {"*": "admin"}, "ada@example.org": {"risk": "editor"}}.'
        raise Invalid(what="DRIFTLINE_OIDC_ROLES", got="nothing", expected="roles by group and space", remedy=remedy)
    if settings.oidc_client_secret:
        secrets.refuse(settings.oidc_client_secret, "DRIFTLINE_OIDC_CLIENT_SECRET")
    refuse_unknown(settings.oidc_roles)
    require_library()
    reach = Reach(
        (parts.hostname, *settings.oidc_hosts), settings.is_local, "signing people in", "DRIFTLINE_OIDC_HOSTS"
    )
    return Provider(settings, reach)


def _plain(octets: bytes) -> str:
    return urlsafe_b64encode(octets).decode().rstrip("=")
