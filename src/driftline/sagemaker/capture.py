"""What an endpoint keeps of its requests and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from driftline.sagemaker.session import Session

_MODES = {"REQUEST": "Input", "RESPONSE": "Output", "INPUT": "Input", "OUTPUT": "Output"}


@dataclass
class DataCaptureConfig:
    """Capture of an endpoint: the share of requests in percent, what of them, and the URI below which it is put.

    Without a destination it is `model-monitor/data-capture` in the session's default bucket.
    """

    enable_capture: bool = False
    sampling_percentage: int = 100
    destination_s3_uri: str | None = None
    kms_key_id: str | None = None
    capture_options: Sequence[str] | None = None
    csv_content_types: Sequence[str] | None = None
    json_content_types: Sequence[str] | None = None
    sagemaker_session: Any = None

    def __post_init__(self) -> None:
        """Fill in what was left out; raises `ValueError` for a share outside of 0 to 100."""
        if not 0 <= self.sampling_percentage <= 100:
            raise ValueError(f"sampling_percentage: got {self.sampling_percentage}, expected 0 to 100.")
        if self.destination_s3_uri is None:
            self.destination_s3_uri = Session.of(self.sagemaker_session).place("model-monitor", "data-capture")
        self.capture_options = list(self.capture_options or ("REQUEST", "RESPONSE"))
        unknown = [each for each in self.capture_options if each.upper() not in _MODES]
        if unknown:
            raise ValueError(f"capture_options: got {unknown[0]!r}, expected REQUEST, RESPONSE or both.")
        self.csv_content_types = list(self.csv_content_types or ("text/csv",))
        self.json_content_types = list(self.json_content_types or ("application/json",))

    def _to_request_dict(self) -> dict[str, Any]:
        found = {
            "EnableCapture": self.enable_capture,
            "InitialSamplingPercentage": self.sampling_percentage,
            "DestinationS3Uri": self.destination_s3_uri,
            "KmsKeyId": self.kms_key_id,
            "CaptureOptions": [{"CaptureMode": _MODES[each.upper()]} for each in self.capture_options or ()],
            "CaptureContentTypeHeader": {
                "CsvContentTypes": self.csv_content_types,
                "JsonContentTypes": self.json_content_types,
            },
        }
        return {name: value for name, value in found.items() if value is not None}
