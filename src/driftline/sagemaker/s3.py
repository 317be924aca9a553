"""Objects by their URI: read and written as text."""

from __future__ import annotations

from typing import Any

from driftline.sagemaker.jobs import ProcessingJob
from driftline.sagemaker.session import Session


class S3Downloader:
    """Reading."""

    @staticmethod
    def read_file(s3_uri: str, sagemaker_session: Any = None) -> str:
        """The text of an object.

        The ARN of a processing job, a slash and a name stand for the file of that name in the job's first output.
        """
        session = Session.of(sagemaker_session)
        if s3_uri.startswith("arn:"):
            arn, _, name = s3_uri.rpartition("/")
            s3_uri = f"{ProcessingJob(session, arn.rpartition('/')[2]).output.s3_uri.rstrip('/')}/{name}"
        return session.read(s3_uri)


class S3Uploader:
    """Writing."""

    @staticmethod
    def upload_string_as_file_body(
        body: str, desired_s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None
    ) -> str:
        """Put a text; returns its URI."""
        return Session.of(sagemaker_session).write(desired_s3_uri, body, kms_key)
