"""What `preprocess_handler` is given: a captured call with the attributes of SageMaker's `inference_record`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Side:
    """One side of a call; its members as attributes, `None` where the record lacks one."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        """`members` as the record has them."""
        self._members = members

    @property
    def data(self) -> Any:
        """The payload: text, in BASE64 where `encoding` says so."""
        return self._members.get("data")

    @property
    def encoding(self) -> Any:
        """`CSV`, `JSON` or `BASE64`."""
        return self._members.get("encoding")

    @property
    def observedContentType(self) -> Any:
        """The content type of the request or the answer."""
        return self._members.get("observedContentType")

    @property
    def mode(self) -> Any:
        """`INPUT` or `OUTPUT`."""
        return self._members.get("mode")

    def as_dict(self) -> dict[str, Any]:
        """The members."""
        return dict(self._members)

    def __repr__(self) -> str:
        """The members."""
        return f"Side({dict(self._members)!r})"


class Event:
    """What is known of the call."""

    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        """`members` as the record has them."""
        self._members = members

    @property
    def event_id(self) -> Any:
        """The id that the platform gave the call."""
        return self._members.get("eventId")

    @property
    def event_time(self) -> Any:
        """When the call was made, as text."""
        return self._members.get("inferenceTime")

    @property
    def inference_id(self) -> Any:
        """The id that the caller gave it."""
        return self._members.get("inferenceId")

    @property
    def custom_attribute(self) -> Any:
        """The custom attributes, a list of texts."""
        return self._members.get("customAttributes")

    def as_dict(self) -> dict[str, Any]:
        """The members."""
        return dict(self._members)

    def __repr__(self) -> str:
        """The members."""
        return f"Event({dict(self._members)!r})"


class Record:
    """A captured call.

    >>> record = Record({"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}},
    ...                  "eventMetadata": {"eventId": "e1", "customAttributes": ["test"]}, "eventVersion": "0"})
    >>> record.endpoint_input.data, record.endpoint_output, record.event_metadata.custom_attribute[0]
    ('1,2', None, 'test')
    """

    __slots__ = ("event_dict",)

    def __init__(self, event_dict: Mapping[str, Any]) -> None:
        """`event_dict` is the record as JSON has it."""
        self.event_dict = event_dict

    def _side(self, name: str) -> Side | None:
        members = (self.event_dict.get("captureData") or {}).get(name)
        return Side(members) if members else None

    @property
    def endpoint_input(self) -> Side | None:
        """What went into the model."""
        return self._side("endpointInput")

    @property
    def endpoint_output(self) -> Side | None:
        """What came out of it."""
        return self._side("endpointOutput")

    @property
    def batch_transform_output(self) -> Side | None:
        """What came out of a batch transform, in merged records."""
        return self._side("batchTransformOutput")

    @property
    def ground_truth(self) -> Side | None:
        """What would have been right, in merged records."""
        members = self.event_dict.get("groundTruthData")
        return Side(members) if members else None

    @property
    def event_metadata(self) -> Event:
        """Ids, time and custom attributes."""
        return Event(self.event_dict.get("eventMetadata") or {})

    @property
    def event_version(self) -> Any:
        """The version of the record's form."""
        return self.event_dict.get("eventVersion")

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return dict(self.event_dict)

    def __repr__(self) -> str:
        """The record as JSON has it."""
        return f"Record({dict(self.event_dict)!r})"
