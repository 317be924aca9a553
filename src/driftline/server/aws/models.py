"""The AWS APIs that are served, each described by botocore's own model of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from driftline.server.errors import Codes


@dataclass(frozen=True)
class Api:
    """One API: botocore's `name` of it, its word in X-Amz-Target, the name it is signed with.

    `version` is its word in forms of the query protocol; an API with neither word is rest-json.
    """

    name: str
    target: str
    scope: str
    codes: Codes = field(default_factory=Codes)
    version: str = ""

    @property
    def is_rest(self) -> bool:
        """Whether its operations have paths of their own."""
        return not (self.target or self.version)

    @cached_property
    def model(self) -> Any:
        """botocore's ServiceModel; loaded when first asked for (0.3 s for SageMaker)."""
        from botocore.loaders import Loader
        from botocore.model import ServiceModel

        return ServiceModel(Loader().load_service_model(self.name, "service-2"), self.name)

    @cached_property
    def known(self) -> frozenset[str]:
        """The names of all operations in the model, served or not."""
        return frozenset(self.model.operation_names)

    @cached_property
    def paths(self) -> tuple[tuple[str, re.Pattern[str], str], ...]:
        """Method, path and operation of a rest-json API."""
        if not self.is_rest:
            return ()
        found = []
        for name in self.model.operation_names:
            http = self.model.operation_model(name).http
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(http["requestUri"]))
            found.append((http["method"], re.compile(pattern), name))
        return tuple(found)

    def operation_at(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """The rest-json operation of a path and what the path names; `path` as sent."""
        for wanted, pattern, name in self.paths:
            match = pattern.fullmatch(path) if method == wanted else None
            if match:
                return name, {key: unquote(value) for key, value in match.groupdict().items()}
        return None


LOGS_CODES = Codes("InvalidParameterException", "ResourceNotFoundException", "ResourceAlreadyExistsException")
METRICS_CODES = Codes("InvalidParameterValue", "ResourceNotFound", "InvalidParameterCombination")
TOPICS_CODES = Codes("InvalidParameter", "NotFound", "InvalidParameter", "AuthorizationError", failure="InternalError")
RUNTIME_CODES = Codes("ValidationError", "ValidationError", "ValidationError")

APIS: dict[str, Api] = {
    "sagemaker": Api("sagemaker", "SageMaker", "sagemaker"),
    "logs": Api("logs", "Logs_20140328", "logs", LOGS_CODES),
    "sagemaker-runtime": Api("sagemaker-runtime", "", "sagemaker", RUNTIME_CODES),
    "sagemaker-metrics": Api("sagemaker-metrics", "", "sagemaker"),
    "cloudwatch": Api("cloudwatch", "GraniteServiceVersion20100801", "monitoring", METRICS_CODES, "2010-08-01"),
    "sns": Api("sns", "", "sns", TOPICS_CODES, "2010-03-31"),
}

TARGETS: dict[str, Api] = {api.target: api for api in APIS.values() if api.target}
"""The API by its word in X-Amz-Target."""

VERSIONS: dict[str, Api] = {api.version: api for api in APIS.values() if api.version}
"""The API by its word in forms."""
