"""Tags: names and values that callers put on ARNs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from driftline.catalog.tables import tag


def put(tx: Connection, arn: str, tags: Mapping[str, str]) -> None:
    """Add tags, or change the values of those that are there."""
    remove(tx, arn, tags)
    rows = [{"arn": arn, "name": name, "value": value} for name, value in tags.items()]
    if rows:
        tx.execute(insert(tag), rows)


def of(tx: Connection, arn: str) -> dict[str, str]:
    """The tags of an ARN, by name."""
    query = select(tag.c.name, tag.c.value).where(tag.c.arn == arn).order_by(tag.c.name)
    return {name: value for name, value in tx.execute(query)}


def arns(tx: Connection, prefix: str, value: str) -> list[str]:
    """The ARNs with a tag whose name begins so and that has this value."""
    c = tag.c
    query = select(c.arn).where(c.name.startswith(prefix, autoescape=True), c.value == value).distinct()
    return list(tx.execute(query.order_by(c.arn)).scalars())


def remove(tx: Connection, arn: str, names: Iterable[str] | None = None) -> None:
    """Forget these tags, or all."""
    query = delete(tag).where(tag.c.arn == arn)
    tx.execute(query if names is None else query.where(tag.c.name.in_(list(names))))
