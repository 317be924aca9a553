"""ID tokens: who a provider says that somebody is, believed only if everything about it is right."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from driftline.errors import Invalid
from driftline.server.errors import AwsError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures with a key that only the provider has; none, and those with a shared secret, are not believed."""
LEEWAY_SECONDS = 60
"""So far may the clocks of the two machines be apart."""


def require_library() -> None:
    """Raise `Invalid` if the library that verifies tokens is not installed."""
    try:
        import joserfc  # noqa: F401
    except ImportError as error:
        remedy = "Install it where the server runs: pip install 'driftline[oidc]'."
        raise Invalid(what="DRIFTLINE_OIDC_ISSUER", got="an address", expected="joserfc", remedy=remedy) from error


def verified(
    token: str, keys: Mapping[str, Any], *, issuer: str, client: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of a token that this issuer signed with one of its keys, for this client and this sign-in, just now.

    Raises `AwsError` (401) for any other; its text says what is wrong with it, as far as that tells nobody a secret.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        found = jwt.decode(token, KeySet(_usable(keys)), algorithms=list(ALGORITHMS))
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        registry.validate(found.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise refused(f"the token is not good: {getattr(error, 'error', type(error).__name__)}") from error
    claims = found.claims
    if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise refused("the token is of another sign-in (nonce)")
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client:
        raise refused("the token is for another client (azp)")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise refused("the token names nobody (sub)")
    return dict(claims)


def refused(reason: str) -> AwsError:
    """The error of a sign-in that is not believed."""
    return AwsError("unauthenticated", f"You could not be signed in: {reason}. Please try again.", 401)


def _usable(keys: Mapping[str, Any]) -> list[Any]:
    """The public keys for signatures; what is no key that the library knows is left out, and spoils no other."""
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    found = []
    for each in keys.get("keys", ()):
        if isinstance(each, dict) and each.get("kty") in ("RSA", "EC", "OKP") and each.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, TypeError, KeyError):
                found.append(JWKRegistry.import_key(each))
    return found
