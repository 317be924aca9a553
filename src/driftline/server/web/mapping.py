"""The columns of a sample as a form shows them: what each is, what it may be, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from driftline.schemas.fields import Kind
from driftline.server.rest.importing import Use
from driftline.server.web.drafts import EXCLUDED, OWN, UNMAPPED, Known
from driftline.server.web.mending import Mend

COLUMNS = 120
"""So many columns are shown, those first that something is wrong with; of files with more, JSON says the rest."""

ROLES: Mapping[str, str] = {
    "feature": "feature",
    "prediction": "prediction",
    "score": "score of a prediction",
    "actual": "actual (label)",
    "actual_score": "score of an actual",
    "tag": "tag",
    "segment": "segment",
    "attribution": "attribution (SHAP)",
    "raw_input": "raw input",
    "group": "group (ranking)",
    "rank": "rank",
    "relevance": "relevance",
    "id": "id of the row",
    "timestamp": "time of the row",
    "version": "model version",
    "batch": "batch",
    EXCLUDED: "excluded",
    UNMAPPED: "unmapped",
}
"""What a column may be, in words."""
_FREE = tuple(each for each in ROLES if each != UNMAPPED)
_KINDS = tuple(str(each) for each in Kind if each is not Kind.TENSOR)


@dataclass(frozen=True)
class Row:
    """A column: its role, or what else it is, of `roles`; its field, empty without one; some of its values.

    `kind` is the one that was chosen in place of the `inferred` one; with `kinds` others may be.
    """

    number: int
    column: str
    role: str
    field: str
    inferred: str
    samples: tuple[str, ...]
    roles: tuple[str, ...]
    kind: str = ""
    kinds: tuple[str, ...] = ()
    mends: tuple[Mend, ...] = ()


def rows_of(
    uses: Sequence[Use], known: Known, inferred: Mapping[str, str], kinds: Mapping[str, str] | None
) -> list[Row]:
    """A row for each column; `kinds` are those that were chosen by column, None where none may be."""
    of: dict[str, list[Use]] = {}
    for each in uses:
        of.setdefault(each.column, []).append(each)
    return [_row(number, some, known, inferred, kinds) for number, some in enumerate(of.values())]


def shown(rows: Sequence[Row], mends: Iterable[Mend]) -> list[Row]:
    """The rows that are shown, each with what is wrong with it."""
    at: dict[str, list[Mend]] = {}
    for each in (one for one in mends if one.is_sure):
        at.setdefault(each.place, []).append(each)
    found = [replace(row, mends=(*at.get(f"role-{row.number}", ()), *at.get(f"kind-{row.number}", ()))) for row in rows]
    return found if len(found) <= COLUMNS else sorted(found, key=lambda row: not row.mends)[:COLUMNS]


def _row(
    number: int, uses: Sequence[Use], known: Known, inferred: Mapping[str, str], kinds: Mapping[str, str] | None
) -> Row:
    """Of a column that is several fields, such as scores by class, the first says what it is."""
    use = uses[0]
    role, name = use.becomes, (use.field or "") if len(uses) == 1 else ""
    declared = known is not None and (role, use.field or "") in known
    roles = (role, *OWN, EXCLUDED) if declared else (*_FREE, UNMAPPED) if role == UNMAPPED else _FREE
    may_choose = kinds is not None and known is None and use.field is not None and use.kind != Kind.TENSOR
    return Row(
        number, use.column, role, name, inferred.get(use.column, use.kind), tuple(use.samples), roles,
        (kinds or {}).get(use.column, "") if may_choose else "", _KINDS if may_choose else (),
    )  # fmt: skip
