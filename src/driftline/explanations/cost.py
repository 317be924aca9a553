"""What explanations cost, told before the run and capped: synthetic rows that are asked of the model."""

from __future__ import annotations

from dataclasses import dataclass

from driftline.errors import Invalid


@dataclass(frozen=True)
class Cost:
    """`rows` (None: not known yet) with `samples` coalitions at most and `background` rows each; `most` is the cap."""

    rows: int | None
    samples: int
    background: int
    most: int | None = None

    @property
    def records_a_row(self) -> int:
        """Synthetic rows for one row; fewer for rows that share cells with the background."""
        return max(self.samples * self.background, 1)

    @property
    def kept(self) -> int | None:
        """So many rows are explained at most; None for all. Raises `Invalid` if not one is within the cap.

        >>> Cost(30_000, 2_000, 1, 10_000_000).kept, Cost(3_000, 2_000, 1, 10_000_000).kept
        (5000, None)
        """
        if self.most is None:
            return None
        found = self.most // self.records_a_row
        if not found:
            raise Invalid(
                what="max_records",
                got=self.most,
                expected=f"at least {self.records_a_row:,}, what one row takes",
                remedy="Or set fewer samples, or fewer rows of the background.",
            )
        return None if self.rows is not None and self.rows <= found else found

    @property
    def records(self) -> int | None:
        """Synthetic rows in all, at most; None if neither the rows nor a cap is known."""
        rows = self.rows if self.kept is None else self.kept
        return None if rows is None else rows * self.records_a_row

    @property
    def said(self) -> str:
        """The cost in words.

        >>> print(Cost(30_000, 2_000, 1, 10_000_000).said)
        5,000 of 30,000 rows are explained, evenly spread: at most 10,000,000 records are asked of the model
        (2,000 for each row), which is the limit.
        """
        each = f"({self.records_a_row:,} for each row)"
        rows = "all" if self.rows is None else f"{self.rows:,}"
        if self.kept is None:
            total = "records" if self.records is None else f"at most {self.records:,} records"
            return f"{rows} rows are explained: {total} are asked of the model {each}."
        many = f"at most {self.kept:,} rows" if self.rows is None else f"{self.kept:,} of {rows} rows"
        how = "by chance" if self.rows is None else "evenly spread"
        return (
            f"{many} are explained, {how}: at most {self.records:,} records are asked of the model {each}, "
            "which is the limit."
        )
