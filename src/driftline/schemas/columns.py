"""In which columns of a file the fields of a model version are: by name, by list, by prefix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from driftline.errors import Invalid


@dataclass(frozen=True)
class Columns:
    """Which column is what; a field that is not mentioned is in the column of its own name.

    `id`, `timestamp`, `version` and `batch` are the columns of the row's id, time, model version and batch. `fields`
    gives the columns of fields whose names differ: field -> column. A prefix such as `feature/` makes every column
    that begins so a field of the role, named without it: role -> prefix. `lists` name the columns of a role one by
    one: role -> columns. Without a declared schema, prefix or list for features every column that is nothing else is
    one, but those in `exclude`.
    """

    id: str | None = None
    timestamp: str | None = None
    version: str | None = None
    batch: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Lists become tuples."""
        object.__setattr__(self, "exclude", tuple(self.exclude))
        object.__setattr__(self, "lists", {role: tuple(names) for role, names in self.lists.items()})

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it.

        >>> Columns.of(Columns(id="uuid", exclude=("x",)).to_dict()) == Columns(id="uuid", exclude=("x",))
        True
        """
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Columns:
        """The columns that `to_dict` made; raises `Invalid` for what are none."""
        try:
            return cls(**document)
        except TypeError as error:
            expected = "id, timestamp, version, batch, fields, prefixes, lists, exclude"
            raise Invalid(what="columns", got=sorted(document), expected=expected, remedy=str(error)) from error
