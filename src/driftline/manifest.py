"""What a run is told: a manifest, which decides what it says, and the world in which it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from driftline.asking import Asked, Opener
from driftline.engines.engine import Engine
from driftline.engines.local import Local
from driftline.explanations.model import Model
from driftline.localvalues import LocalValues
from driftline.monitors.data_quality import DataQuality
from driftline.monitors.monitor import Monitor
from driftline.monitors.monitors import monitor_from, monitor_to
from driftline.scripts.sandbox import Log
from driftline.storage.storages import Access
from driftline.versions import Version


@dataclass(frozen=True)
class Manifest:
    """All that decides what a run reads and says; a plain JSON value, so that a run can be repeated.

    `inputs` are paths, globs, folders, URIs or saved profiles (`*.profile`). `settings` are the format's own
    (`header`, `separator`, ...). `statistics` and `constraints` name the baseline's two files. `monitor` judges the
    rows, and its settings say what it asks of them. `strict` turns problems in the input into failure. `preprocess` is
    a Python file whose `preprocess_handler` makes the rows of the records; `script_errors`, `script_seconds`,
    `script_memory_bytes` and `script_environment` among the `settings` are for it. `labels` are where ground truth lies
    that is to be joined with the rows, and `truth` how they are read: `format`, `settings`, `columns`, and the
    `keys` of both sides. `names` are those of columns where the data has none. `model` is asked for
    predictions, or explained. `record` is the file that tells how right earlier estimates were. Of a run that was made,
    `objects` tell in which version each object was read, and `version` by which Driftline.
    """

    inputs: tuple[str, ...]
    format: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    statistics: str | None = None
    constraints: str | None = None
    monitor: Monitor = field(default_factory=DataQuality)
    strict: bool = False
    preprocess: str | None = None
    labels: tuple[str, ...] = ()
    truth: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    model: Asked | None = None
    record: str | None = None
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "monitor": monitor_to(self.monitor)}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Manifest:
        """The manifest that `to_dict` made, also when it has been JSON in between.

        >>> import json
        >>> manifest = Manifest(("a.csv",), columns=("x",), monitor=DataQuality(measures={"*": {"psi": 0.2}}))
        >>> Manifest.of(json.loads(json.dumps(manifest.to_dict()))) == manifest
        True
        """
        lists = {name: tuple(value) for name, value in document.items() if isinstance(value, list)}
        model = None if document.get("model") is None else Asked(**document["model"])
        return cls(**{**document, **lists, "monitor": monitor_from(document["monitor"]), "model": model})


class Watch(Protocol):
    """Who is told how far a run is."""

    def begin(self, total: int) -> None:
        """`total` bytes are about to be read."""
        ...

    def advance(self, size: int) -> None:
        """`size` more of them are done."""
        ...


@dataclass(frozen=True)
class World:
    """What a run works with: where objects lie, who folds, who watches, and who takes what scripts print.

    `opened` is told which objects are about to be read, and in which version. `invoke` makes what calls a model's URL,
    and `model` is the model itself where that is no text. `local` writes local attributions down as they are made.
    """

    access: Access = field(default_factory=Access)
    engine: Engine = field(default_factory=Local)
    watch: Watch | None = None
    log: Log | None = None
    opened: Callable[[Mapping[str, Version]], object] | None = None
    invoke: Opener | None = None
    model: Model | None = None
    local: LocalValues | None = None
