"""How a storage is reached: a plain value that the caller fills from its options."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """What overrides the surroundings when a storage is opened; None leaves it to them.

    For S3 the surroundings are what the AWS tools read: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_PROFILE`,
    `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID` and so on, `~/.aws/config` and `~/.aws/credentials`.
    Secrets are never held here: `access_key`, `secret_key` and `session_token` are references, `env:NAME` or
    `file:/path`. `role_arn` is a role that is assumed with the credentials there are (in another account perhaps, with
    an `external_id`), or by a web identity, whose token is in `web_identity_token_file`; STS is asked at
    `sts_endpoint_url`. For Azure `account` is the storage account and `secret_key` its key, for Google `key_file` is
    the file of a service account. `anonymous` sends unsigned requests, as public buckets want them. `kms_key` is the
    key of AWS KMS that S3 encrypts what is written with.
    `standard_input` is the file that holds what came in on standard input, which the path `/dev/stdin` then means.
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    anonymous: bool = False
    kms_key: str | None = None
    standard_input: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    web_identity_token_file: str | None = None
    sts_endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    account: str | None = None
    key_file: str | None = None
