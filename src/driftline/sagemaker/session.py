"""Who the classes speak to: boto3's clients of a Driftline server, and the object storage beside it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError, ParamValidationError, WaiterError

REGION = "us-east-1"
"""What the server calls its region unless it is told otherwise."""

ROLE = "arn:aws:iam::000000000000:role/{}"


class Refused(ClientError, ValueError):  # type: ignore[misc]
    """A request that the server found invalid: boto3's own error, and a `ValueError` besides."""


class JobFailed(RuntimeError, ValueError, WaiterError):  # type: ignore[misc]
    """A job or execution that did not complete; `actual_status` says how it ended, the text why.

    It is all that callers expect of the classes it stands for: boto3's waiters raise one, the SDK another.
    """

    def __init__(self, message: str, actual_status: str) -> None:
        """`message` is what users read."""
        Exception.__init__(self, message)
        self.actual_status, self.allowed_statuses = actual_status, "Completed"
        self.last_response: dict[str, Any] = {}


class Session:
    """Clients, made when they are first needed, and a bucket for what is uploaded on the way.

    Addresses and credentials come from where boto3 finds them (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_S3`,
    `AWS_ACCESS_KEY_ID`, ...); `endpoint_url` is the server's address where no variable says it.
    """

    def __init__(
        self,
        boto_session: Any = None,
        sagemaker_client: Any = None,
        *,
        default_bucket: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        """`default_bucket` receives scripts, local data and results that have no place of their own."""
        self.boto_session = boto_session or _boto_session()
        self._client, self._bucket, self._url = sagemaker_client, default_bucket, endpoint_url

    @classmethod
    def of(cls, given: Any) -> Session:
        """The session that a caller gave: one of these, one of the SageMaker SDK, or None for a new one."""
        if isinstance(given, Session):
            return given
        return Adapted(given) if given is not None else cls()

    @property
    def boto_region_name(self) -> str:
        """The region in requests and ARNs."""
        return str(self.boto_session.region_name)

    @cached_property
    def sagemaker_client(self) -> Any:
        """The client of the API."""
        return self._client or self.boto_session.client("sagemaker", endpoint_url=self._url)

    @cached_property
    def logs_client(self) -> Any:
        """The client of the jobs' logs."""
        return self.boto_session.client("logs", endpoint_url=self._url)

    @cached_property
    def s3_client(self) -> Any:
        """The client of the object storage."""
        return self.boto_session.client("s3")

    def default_bucket(self) -> str:
        """The bucket for what has no place of its own; raises `ValueError` if there is none."""
        if self._bucket is None:
            said = "There is no default bucket. Give S3 URIs, or sagemaker_session=Session(default_bucket='my-bucket')."
            raise ValueError(said)
        return self._bucket

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """The answer to an operation, called as in boto3 (`create_processing_job`); members that are None are left out.

        Raises `ValueError` for an invalid request, whether boto3 or the server says so, and boto3's `ClientError`
        for all else.
        """
        given = {name: value for name, value in request.items() if value is not None}
        try:
            answer: dict[str, Any] = getattr(self.sagemaker_client, operation)(**given)
        except ParamValidationError as error:
            raise ValueError(str(error)) from error
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationException":
                raise Refused(error.response, error.operation_name) from error
            raise
        return answer

    def read(self, uri: str) -> str:
        """The text of an object."""
        bucket, key = _parts(uri)
        found: bytes = self.s3_client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return found.decode()

    def write(self, uri: str, text: str, kms_key: str | None = None) -> str:
        """Put an object, encrypted with the key if there is one; returns its URI."""
        bucket, key = _parts(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        self.s3_client.put_object(Bucket=bucket, Key=key, Body=text.encode(), **encryption)
        return uri

    def place(self, *parts: str) -> str:
        """A URI below the default bucket.

        >>> Session(default_bucket="b").place("model-monitor", "data-capture")
        's3://b/model-monitor/data-capture'
        """
        return "/".join([f"s3://{self.default_bucket()}", *parts])

    def uploaded(self, source: str, *parts: str) -> str:
        """The URI of a file: `source` itself if it is one, else where the local file was put below these parts."""
        if urlsplit(source).scheme in ("s3", "https"):
            return source
        path = Path(source.removeprefix("file://"))
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        place = self.place(*parts)
        for each in files:
            bucket, key = _parts(f"{place}/{each.relative_to(path if path.is_dir() else path.parent).as_posix()}")
            self.s3_client.upload_file(str(each), bucket, key)
        return place if path.is_dir() else f"{place}/{path.name}"

    def role_arn(self, role: str) -> str:
        """A role's ARN; a bare name is written as one, since roles decide nothing here.

        >>> Session().role_arn("monitor")
        'arn:aws:iam::000000000000:role/monitor'
        """
        return role if "/" in role else ROLE.format(role)


class Adapted(Session):
    """A session of the SageMaker SDK, 2.x or 3.x: its clients and its bucket."""

    def __init__(self, given: Any) -> None:
        """Use the clients that the SDK's session has."""
        super().__init__(given.boto_session or _boto_session(), given.sagemaker_client)
        self._given = given

    @cached_property
    def s3_client(self) -> Any:
        """The SDK's own client of the object storage, if it was given one."""
        return getattr(self._given, "s3_client", None) or self.boto_session.client("s3")

    def default_bucket(self) -> str:
        """The SDK's default bucket."""
        return str(self._given.default_bucket())


def _boto_session() -> Any:
    found = boto3.Session()
    return found if found.region_name else boto3.Session(region_name=REGION)


def _parts(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(f"Expecting a URI such as s3://bucket/key, got {uri!r}.")
    return parts.netloc, parts.path.lstrip("/")
