"""What of an endpoint's calls is captured, and where to: SageMaker's DataCaptureConfig."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftline.errors import Invalid

INPUT, OUTPUT = "Input", "Output"
_MODES = {
    "input": (INPUT,),
    "output": (OUTPUT,),
    "inputandoutput": (INPUT, OUTPUT),
    "request": (INPUT,),
    "response": (OUTPUT,),
}
"""API's enum in lower case, and the names that the SageMaker SDK has for two of them."""

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """What is captured; payloads of other content types than those listed are kept in base64.

    `sampling_percentage` in [0, 100] is the share of calls; `options` are `Input` and `Output`, or either;
    `destination` a URI. Raises `Invalid`.

    >>> CaptureConfig("s3://bucket/captured", sampling_percentage=101)
    Traceback (most recent call last):
    ...
    driftline.errors.Invalid: sampling percentage: got 101, expected a number from 0 to 100. ...
    """

    destination: str
    sampling_percentage: float = 100
    enabled: bool = True
    options: Sequence[str] = (INPUT, OUTPUT)
    csv_content_types: Sequence[str] = ("text/csv",)
    json_content_types: Sequence[str] = ("application/json",)
    kms_key: str | None = None

    def __post_init__(self) -> None:
        """Check, and bring the lists into one form."""
        given = self.sampling_percentage
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 100:
            remedy = "100 captures every call."
            raise Invalid(what="sampling percentage", got=given, expected="a number from 0 to 100", remedy=remedy)
        if not self.destination:
            remedy = "Name a prefix, such as s3://bucket/captured."
            raise Invalid(what="destination of captured data", got=self.destination, expected="a URI", remedy=remedy)
        object.__setattr__(self, "destination", self.destination.rstrip("/") or "/")
        object.__setattr__(self, "options", _modes(self.options))
        object.__setattr__(self, "csv_content_types", tuple(map(media_type, self.csv_content_types)))
        object.__setattr__(self, "json_content_types", tuple(map(media_type, self.json_content_types)))

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> CaptureConfig:
        """From the API's DataCaptureConfig: enabled unless told otherwise, no content types unless given.

        >>> document = {
        ...     "InitialSamplingPercentage": 20,
        ...     "DestinationS3Uri": "s3://bucket/captured/",
        ...     "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        ... }
        >>> found = CaptureConfig.of(document)
        >>> found.destination, found.options, found.csv_content_types
        ('s3://bucket/captured', ('Input', 'Output'), ())
        """
        types = document.get("CaptureContentTypeHeader") or {}
        return cls(
            destination=document["DestinationS3Uri"],
            sampling_percentage=document["InitialSamplingPercentage"],
            enabled=document.get("EnableCapture", True),
            options=[option["CaptureMode"] for option in document["CaptureOptions"]],
            csv_content_types=types.get("CsvContentTypes") or (),
            json_content_types=types.get("JsonContentTypes") or (),
            kms_key=document.get("KmsKeyId") or None,
        )

    def encoding_of(self, content_type: str) -> str:
        """CSV, JSON or BASE64, by the media type without parameters and in any case.

        >>> CaptureConfig("s3://b").encoding_of("Text/CSV; charset=utf-8"), CaptureConfig("s3://b").encoding_of("")
        ('CSV', 'BASE64')
        """
        media = media_type(content_type)
        if media in self.csv_content_types:
            return "CSV"
        return "JSON" if media in self.json_content_types else "BASE64"

    def breaches(self) -> tuple[str, ...]:
        """Why what is captured cannot stand for all calls, a sentence each; none for a whole capture.

        >>> CaptureConfig("s3://b", sampling_percentage=20, options=["Input"]).breaches()
        ('only 20 % of the calls are captured: counts are of the sample', 'only Input is captured, not Output')
        """
        share = f"only {self.sampling_percentage:g} % of the calls are captured: counts are of the sample"
        sides = f"only {self.options[0]} is captured, not {OUTPUT if self.options[0] == INPUT else INPUT}"
        raw = "no content type is listed: payloads are kept in base64, which SageMaker analyses by a script only"
        found = (
            (not self.enabled, "capture is disabled"),
            (self.sampling_percentage < 100, share),
            (len(self.options) < 2, sides),
            (not self.csv_content_types and not self.json_content_types, raw),
        )
        return tuple(said for is_so, said in found if is_so)


def media_type(content_type: str) -> str:
    """The media type alone, in lower case.

    >>> media_type("Application/JSON; charset=utf-8")
    'application/json'
    """
    return content_type.partition(";")[0].strip().lower()


def named(what: str, name: str) -> str:
    """The name, if SageMaker would take it for an endpoint or a variant: it becomes a folder; raises `Invalid`."""
    if not NAME.fullmatch(name):
        expected = "1 to 63 letters, digits and single hyphens between them"
        raise Invalid(what=f"name of the {what}", got=name, expected=expected, remedy="Choose another name.")
    return name


def _modes(given: Iterable[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for mode in [given] if isinstance(given, str) else given:
        if mode.lower() not in _MODES:
            remedy = "REQUEST and RESPONSE mean Input and Output."
            raise Invalid(what="capture option", got=mode, expected="Input, Output or InputAndOutput", remedy=remedy)
        found.update(_MODES[mode.lower()])
    if not found:
        remedy = "Name what is to be captured, or disable capture."
        raise Invalid(what="capture options", got=[], expected="Input, Output or both", remedy=remedy)
    return tuple(mode for mode in (INPUT, OUTPUT) if mode in found)
