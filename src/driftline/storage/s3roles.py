"""Roles: credentials of AWS STS for another account or by a web identity, renewed before they expire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from driftline.errors import Denied, DriftlineError, Invalid
from driftline.storage.access import Access
from driftline.storage.secrets import Keys

SESSION = "driftline"
"""What the sessions are called in the logs of the account."""

KEPT = timedelta(minutes=5)
"""How long others may keep credentials that were handed to them; botocore renews theirs ten minutes before the end."""

_TOKEN = "InvalidIdentityToken"
_REMEDIES = {
    "ExpiredTokenException": "The token in the file has expired: whoever writes it must renew it.",
    _TOKEN: "Register the token's issuer as an identity provider of the account, with its audience"
    " (sts.amazonaws.com).",
    "IDPRejectedClaim": "The audience of the token is not one of the identity provider's, or the token is too old.",
    "InvalidClientTokenId": "The keys that ask for the role are not known.",
    "SignatureDoesNotMatch": "The secret of the keys that ask for the role is wrong.",
    "RegionDisabledException": "STS is not enabled in this region: choose another one.",
}


def session_of(access: Access, keys: Keys | None) -> Any:
    """botocore's session with what an access says: keys, and a role that is assumed with them or by a web identity."""
    if access.role_arn is None:
        return _session(access, keys)
    session = _session(access, None)  # keys of a session would go before the role
    session.register_component("credential_provider", _Role(access, keys))
    return session


def _session(access: Access, keys: Keys | None) -> Any:
    import botocore.session

    session = botocore.session.Session(profile=access.profile)
    if keys is not None:
        session.set_credentials(keys.access_key, keys.secret_key, keys.session_token)
    return session


class _Role:
    """What botocore asks for credentials."""

    def __init__(self, access: Access, keys: Keys | None) -> None:
        """`keys` ask for the role; without any those of the surroundings do."""
        self._access, self._keys = access, keys

    def load_credentials(self) -> Any:
        """Credentials of the role that renew themselves; nothing is asked before they are needed."""
        from botocore.credentials import DeferredRefreshableCredentials

        fetch = _by_web_identity if self._access.web_identity_token_file else _by_keys
        return DeferredRefreshableCredentials(partial(_fetched, self._access, self._keys, fetch), "assume-role")


def _fetched(access: Access, keys: Keys | None, fetch: Callable[[Access, Any], Any]) -> Any:
    from botocore.exceptions import ClientError, ParamValidationError

    try:
        return fetch(access, _session(access, keys))
    except ClientError as error:
        raise refused(error.response.get("Error", {}), access) from error
    except ParamValidationError as error:
        said = " ".join(str(error).split())
        raise Invalid(
            what="role", got=access.role_arn, expected="an ARN, an external id of 2 to 1224 characters", remedy=said
        ) from error


def _by_web_identity(access: Access, session: Any) -> Any:
    from botocore.credentials import AssumeRoleWithWebIdentityCredentialFetcher

    token = partial(_token, access)
    extra = {"RoleSessionName": SESSION}
    creator = _creator(access, session)
    return AssumeRoleWithWebIdentityCredentialFetcher(creator, token, access.role_arn, extra).fetch_credentials()


def _by_keys(access: Access, session: Any) -> Any:
    from botocore.credentials import AssumeRoleCredentialFetcher

    source = session.get_credentials()
    if source is None:
        remedy = "There are no credentials to ask for the role with: name keys, a profile, or a web identity."
        raise Denied(action=_action(access), resource=str(access.role_arn), remedy=remedy)
    extra = {"RoleSessionName": SESSION, **({"ExternalId": access.external_id} if access.external_id else {})}
    return AssumeRoleCredentialFetcher(_creator(access, session), source, access.role_arn, extra).fetch_credentials()


def _creator(access: Access, session: Any) -> Callable[..., Any]:
    region = access.region or session.get_config_variable("region") or "us-east-1"
    endpoint = {"endpoint_url": access.sts_endpoint_url} if access.sts_endpoint_url else {}
    return partial(session.create_client, region_name=region, **endpoint)


def _token(access: Access) -> str:
    """The token as it is in its file now: whoever writes it renews it."""
    name = str(access.web_identity_token_file)
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        remedy = f"The token file {name} cannot be read: {error.strerror}. It must be where the workers run."
        raise Denied(action=_action(access), resource=str(access.role_arn), remedy=remedy) from error


def refused(error: Any, access: Access) -> DriftlineError:
    """What STS's refusal means, and who can mend it.

    >>> said = {"Code": "AccessDenied", "Message": "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
    >>> print(refused(said, Access(role_arn="arn:aws:iam::1:role/r", web_identity_token_file="/t")))
    access denied: sts:AssumeRoleWithWebIdentity on arn:aws:iam::1:role/r. Its trust policy must allow ...
    """
    code, message = str(error.get("Code", "")), str(error.get("Message", "")).strip()
    action = _action(access)
    if code in _REMEDIES:
        remedy = _REMEDIES[code]
    elif access.web_identity_token_file:
        remedy = (
            "Its trust policy must allow it to this identity provider, audience (sts.amazonaws.com) and subject. If it"
            f" does, a service control policy of the organization denies it: allow {action} there."
        )
    else:
        remedy = (
            "Its trust policy must allow it to the caller, with the external id if it asks for one, and the caller's"
            f" own policy must allow {action} on the role; no service control policy may deny it."
        )
    return Denied(action=action, resource=str(access.role_arn), remedy=f"{remedy} STS said: {code} {message[:300]}")


def _action(access: Access) -> str:
    return "sts:AssumeRoleWithWebIdentity" if access.web_identity_token_file else "sts:AssumeRole"
