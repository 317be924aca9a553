"""The options that several commands share, and what they mean to a run."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from cyclopts import Group, Parameter

from driftline.calling import calling
from driftline.documents import dataset_format
from driftline.engines.local import Local
from driftline.errors import Invalid
from driftline.manifest import Manifest, World
from driftline.monitors.data_quality import EVERY, DataQuality
from driftline.monitors.monitor import Monitor
from driftline.storage.access import Access

_READING = Group("How to read")
_PLACES = Group("Where things lie")

Repeated = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=False, show_default=False)]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """Options of every command that reads data.

    Attributes
    ----------
    format
        csv, jsonlines, json, parquet, avro, arrow, delta or capture; recognised from name and content if not given.
    dataset_format
        SageMaker's form: '{"csv": {"header": true, "separator": ","}}', '{"json": {"lines": true}}', '{"parquet": {}}'.
    select_expr
        A Spark SQL expression; repeat it. The result has exactly these columns; `*` keeps all.
    read_option
        KEY=VALUE for the format, such as header=false, separator=; or encoding=latin-1; repeat it.
    preprocess
        A Python file whose preprocess_handler makes rows of captured calls or lines of CSV; it runs confined.
    columns
        Only these columns, parted by commas or repeated.
    exclude
        All but these columns.
    endpoint_url
        Address of an S3-compatible store; AWS_ENDPOINT_URL_S3 works too.
    profile_name
        A profile of ~/.aws/config; AWS_PROFILE works too.
    region
        The region; AWS_REGION works too.
    jobs
        Threads; as many as there are processors by default. The answer does not depend on it.
    strict
        Fail on the first row or file that cannot be used, instead of counting it.
    compatible
        Keep to what SageMaker Model Monitor would have done and written.
    dry_run
        Show what would be read, and read and write nothing.
    json
        Print JSON for machines.
    quiet
        Print nothing but errors.
    """

    format: Annotated[str | None, Parameter(group=_READING)] = None
    dataset_format: Annotated[str | None, Parameter(group=_READING)] = None
    select_expr: Annotated[Repeated, Parameter(group=_READING)] = ()
    read_option: Annotated[Repeated, Parameter(group=_READING)] = ()
    preprocess: Annotated[str | None, Parameter(group=_READING)] = None
    columns: Annotated[Repeated, Parameter(group=_READING)] = ()
    exclude: Annotated[Repeated, Parameter(group=_READING)] = ()
    endpoint_url: Annotated[str | None, Parameter(group=_PLACES)] = None
    profile_name: Annotated[str | None, Parameter(name="--profile", group=_PLACES)] = None
    region: Annotated[str | None, Parameter(group=_PLACES)] = None
    jobs: Annotated[int | None, Parameter(name=["--jobs", "-j"])] = None
    strict: Flag = False
    compatible: Flag = False
    dry_run: Flag = False
    json: Flag = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="", show_default=False)] = False

    @property
    def access(self) -> Access:
        """How storages are reached."""
        return Access(self.endpoint_url, self.region, self.profile_name)

    def manifest(
        self, inputs: tuple[str, ...], monitor: Monitor | None = None, labels: tuple[str, ...] = ()
    ) -> Manifest:
        """The run that these options ask for."""
        if not inputs:
            raise Invalid(
                what="INPUT", got="nothing", expected="files, folders, globs or URIs", remedy="Name the data."
            )
        known, settings = dataset_format.read(self.dataset_format)
        settings = {**settings, **dict(map(read_option, self.read_option))}
        if self.compatible:
            settings["compatible"] = True
        return Manifest(
            inputs=inputs,
            format=self.format or known,
            settings=settings,
            select=self.select_expr,
            columns=names(self.columns) or None,
            exclude=names(self.exclude),
            monitor=monitor or DataQuality(compatible=self.compatible),
            strict=self.strict,
            preprocess=self.preprocess,
            labels=labels,
        )

    def world(self, standard_input: str | None = None) -> World:
        """What the run works with; `standard_input` is the file that holds what came in there."""
        if self.jobs is not None and self.jobs < 1:
            raise Invalid(
                what="--jobs", got=self.jobs, expected="1 or more", remedy="Leave it out to use all processors."
            )
        log = None if self.quiet else partial(print, file=sys.stderr, flush=True)
        access = replace(self.access, standard_input=standard_input)
        return World(access, Local(self.jobs), log=log, invoke=calling)


def monitor_of(options: Options, given: tuple[str, ...]) -> DataQuality:
    """The monitor with limits from NAME=LIMIT and COLUMN:NAME=LIMIT."""
    limits: dict[str, dict[str, float]] = {}
    for each in given:
        subject, _, limit = each.rpartition("=")
        column, _, name = subject.rpartition(":")
        try:
            limits.setdefault(column or EVERY, {})[name] = float(limit)
        except ValueError as error:
            expected = "NAME=LIMIT or COLUMN:NAME=LIMIT"
            raise Invalid(what="--measure", got=each, expected=expected, remedy="For example psi=0.2.") from error
    return DataQuality(compatible=options.compatible, measures=limits)


def names(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names parted by commas; a name with a comma stands in quotes.

    >>> names(("a,b", '"c,d"'))
    ('a', 'b', 'c,d')
    """
    return tuple(name for row in csv.reader(given) for name in row if name)


def read_option(given: str) -> tuple[str, Any]:
    """KEY=VALUE, where true, false, null and numbers mean themselves.

    >>> read_option("header=false"), read_option("separator=;")
    (('header', False), ('separator', ';'))
    """
    key, equals, value = given.partition("=")
    if not equals or not key:
        raise Invalid(what="--read-option", got=given, expected="KEY=VALUE", remedy="For example header=false.")
    if value in ("\\t", "tab"):
        return key, "\t"
    try:
        plain = json.loads(value)
    except ValueError:
        return key, value
    return key, plain if isinstance(plain, bool | int | float | list) or plain is None else value
