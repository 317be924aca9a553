"""The files of a monitor, statistics, constraints and violations: read, edited and saved where they lie."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from driftline.sagemaker.session import Session

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
VIOLATIONS = "constraint_violations.json"


class ModelMonitoringFile:
    """A JSON file: its document, `body_dict`, which may be edited, and its URI.

    The SageMaker SDK calls the first parameter of the `from_` functions by the kind of file (`statistics_file_s3_uri`,
    `constraints_file_path`, `constraint_violations_file_string`); those names are taken too.
    """

    NAME: ClassVar[str]

    def __init__(
        self, body_dict: dict[str, Any], file_s3_uri: str, kms_key: str | None = None, sagemaker_session: Any = None
    ) -> None:
        """A document that lies, or shall lie, at a URI."""
        self.body_dict = body_dict
        self.file_s3_uri = file_s3_uri
        self.kms_key = kms_key
        self.session = Session.of(sagemaker_session)

    @classmethod
    def from_s3_uri(
        cls, uri: str | None = None, kms_key: str | None = None, sagemaker_session: Any = None, **named: str
    ) -> Self:
        """The file at a URI; raises boto3's `ClientError` if it is not there."""
        session, place = Session.of(sagemaker_session), cls._first(uri, named, "s3_uri")
        return cls(json.loads(session.read(place)), place, kms_key, session)

    @classmethod
    def from_string(
        cls,
        text: str | None = None,
        kms_key: str | None = None,
        file_name: str | None = None,
        sagemaker_session: Any = None,
        **named: str,
    ) -> Self:
        """A document that is put into the default bucket; raises `ValueError` if it is no JSON."""
        session, said = Session.of(sagemaker_session), cls._first(text, named, "string")
        body = json.loads(said)
        place = session.place("monitoring", str(uuid.uuid4()), file_name or cls.NAME)
        return cls(body, session.write(place, said, kms_key), kms_key, session)

    @classmethod
    def from_file_path(
        cls, path: str | None = None, kms_key: str | None = None, sagemaker_session: Any = None, **named: str
    ) -> Self:
        """A local file, put into the default bucket."""
        file = Path(cls._first(path, named, "path"))
        return cls.from_string(file.read_text(encoding="utf-8"), kms_key, file.name, sagemaker_session)

    def save(self, new_save_location_s3_uri: str | None = None) -> str:
        """Put the document where it came from or, from now on, at another URI; returns the URI."""
        self.file_s3_uri = new_save_location_s3_uri or self.file_s3_uri
        return self.session.write(self.file_s3_uri, json.dumps(self.body_dict), self.kms_key)

    @classmethod
    def _first(cls, given: str | None, named: Mapping[str, str], what: str) -> str:
        name = f"{cls.NAME.removesuffix('.json')}_file_{what}"
        if given is not None and not named:
            return given
        if given is None and set(named) == {name}:
            return named[name]
        raise TypeError(f"{cls.__name__}: got {', '.join(named) or 'nothing'}, expected {name}.")


class Statistics(ModelMonitoringFile):
    """What a data set was like."""

    NAME = STATISTICS


class Constraints(ModelMonitoringFile):
    """What data must be like."""

    NAME = CONSTRAINTS

    def set_monitoring(self, enable_monitoring: bool, feature_name: str | None = None) -> None:
        """Turn the constraints on or off, for all features or for one; `save` makes it so."""
        flag = "Enabled" if enable_monitoring else "Disabled"
        if feature_name is None:
            self.body_dict.setdefault("monitoring_config", {})["evaluate_constraints"] = flag
            return
        features = self.body_dict.get("features", ())
        found = [each for each in features if each["name"] == feature_name]
        if not found:
            names = ", ".join(each["name"] for each in features)
            raise ValueError(f"feature_name: got {feature_name!r}, expected one of {names}.")
        for feature in found:
            kept = feature.get("monitoring_config_overrides") or {}
            feature["monitoring_config_overrides"] = {**kept, "evaluate_constraints": flag}


class ConstraintViolations(ModelMonitoringFile):
    """What of the data broke which constraint."""

    NAME = VIOLATIONS
