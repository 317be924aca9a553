"""How SageMaker reads a text: integral, fractional, boolean or plain string, and the number it stands for.

The four kinds and their patterns are those of Deequ's `DataType` analyzer (Apache-2.0), which SageMaker Model Monitor
applies to every value: an optional sign, an optional blank, digits; with a fraction or an exponent it is fractional.
`.5`, `1,000`, `NaN` and `inf` are strings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline.profile.arrow import mask_of, texts_of, values_of

FRACTIONAL = r"^(-|\+)? ?[0-9]+((\.[0-9]+)|((\.[0-9]+)?[Ee][-+]?[0-9]+))$"
INTEGRAL = r"^(-|\+)? ?[0-9]+$"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """Counts of the kinds (weighted), which texts are numeric, and their numbers (unweighted, in order)."""

    fractional: int
    integral: int
    boolean: int
    string: int
    infinite: int
    numeric: Mask
    parsed: npt.NDArray[np.float64]

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The finite numbers."""
        finite = np.isfinite(self.parsed)
        return self.parsed if finite.all() else self.parsed[finite]


def read_texts(texts: pa.Array, weights: npt.NDArray[np.int64] | None) -> Reading:
    """Read every text of an array without nulls; `weights` says how often each occurs (once if None).

    >>> found = read_texts(pa.array(["3", "3.0", "+ 5", ".5", "1e3", "true", "NaN"]), None)
    >>> found.integral, found.fractional, found.boolean, found.string
    (2, 2, 1, 2)
    >>> found.numbers.tolist()
    [3.0, 3.0, 5.0, 1000.0]
    """
    fractional, integral, boolean, parsed = read_each(texts)
    numeric = fractional | integral

    def weigh(mask: Mask) -> int:
        return int(np.count_nonzero(mask) if weights is None else weights[mask].sum())

    string = weigh(~(numeric | boolean))
    finite = np.isfinite(parsed)
    infinite = 0
    if not finite.all():
        infinite = weigh(numeric) - int(np.count_nonzero(finite) if weights is None else weights[numeric][finite].sum())
    return Reading(weigh(fractional), weigh(integral), weigh(boolean), string, infinite, numeric, parsed)


Readings = tuple[Mask, Mask, Mask, npt.NDArray[np.float64]]
"""Which texts are fractional, integral, boolean; and the numbers of the first two, in order."""


def read_each(texts: pa.Array) -> Readings:
    """What each text is; those that can only be plain numbers are read quickly, the others by the patterns."""
    plain = _digits_at_ends(*bytes_of(texts))
    if not plain.any():
        return _read_by_pattern(texts)
    quick = _read_plain_numbers(texts if plain.all() else texts.filter(mask_of(plain)))
    if quick is None:
        return _read_by_pattern(texts)
    dotted, numbers = quick
    if plain.all():
        return dotted, ~dotted, np.zeros(len(texts), dtype=np.bool_), numbers
    fractional, integral, boolean = (np.zeros(len(texts), dtype=np.bool_) for _ in range(3))
    others = np.flatnonzero(~plain)
    fractional[others], integral[others], boolean[others], odd = _read_by_pattern(texts.filter(mask_of(~plain)))
    fractional[plain], integral[plain] = dotted, ~dotted
    parsed = np.full(len(texts), np.nan)
    parsed[others[fractional[others] | integral[others]]] = odd
    parsed[plain] = numbers
    return fractional, integral, boolean, parsed[fractional | integral]


def _read_plain_numbers(texts: pa.Array) -> tuple[Mask, npt.NDArray[np.float64]] | None:
    """Which have a fraction, and the numbers, when every text is `-?digits(.digits)?`; None otherwise."""
    data, _ = bytes_of(texts)
    if np.any(data | np.uint8(32) == ord("e")):
        return None
    dots = int(np.count_nonzero(data == ord(".")))
    try:
        numbers = pc.cast(texts, pa.float64() if dots or _has_letters(data) else pa.int64())
    except pa.ArrowInvalid:
        return None
    if dots in (0, len(texts)):  # what reads as a number has at most one
        dotted: Mask = np.full(len(texts), dots > 0)
    else:
        dotted = values_of(pc.match_substring(texts, "."))
    return dotted, values_of(numbers).astype(np.float64, copy=False)


def _has_letters(data: npt.NDArray[np.uint8]) -> bool:
    return bool(len(data) and data.max() > ord("9"))


def bytes_of(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The bytes that the array uses and the offsets into them, without a copy."""
    _, offsets_buffer, data_buffer = texts.buffers()
    if data_buffer is None or offsets_buffer is None:
        return np.empty(0, np.uint8), np.zeros(len(texts) + 1, np.int32)
    offsets = np.frombuffer(offsets_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    return data, offsets - offsets[0] if offsets[0] else offsets


def _digits_at_ends(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> Mask:
    """Which texts end with a digit and start with one, but for a minus sign."""
    starts, ends = offsets[:-1], offsets[1:]
    if not len(data):
        return np.zeros(len(starts), dtype=np.bool_)
    last = len(data) - 1
    zero, nine = np.uint8(ord("0")), np.uint8(9)
    plain: Mask = (data[np.maximum(ends - 1, 0)] - zero <= nine) & (starts < ends)
    first = data[np.minimum(starts, last)]
    odd = np.flatnonzero(plain & (first - zero > nine))
    if len(odd):
        plain[odd] = (first[odd] == ord("-")) & (data[np.minimum(starts[odd] + 1, last)] - zero <= nine)
    return plain


def _read_by_pattern(texts: pa.Array) -> tuple[Mask, Mask, Mask, npt.NDArray[np.float64]]:
    """The exact way: Deequ's patterns on every text that could be a number."""
    likely = _maybe_numeric(texts)
    fractional = np.zeros(len(texts), dtype=np.bool_)
    integral = fractional.copy()
    if likely.any():
        some = texts.filter(mask_of(likely))
        fractional[likely] = values_of(pc.match_substring_regex(some, FRACTIONAL))
        integral[likely] = values_of(pc.match_substring_regex(some, INTEGRAL))
    numeric = fractional | integral
    boolean: Mask = values_of(pc.is_in(texts, texts_of(["true", "false"])))
    found = texts.filter(mask_of(numeric)) if numeric.any() else texts[:0]
    bare = pc.replace_substring_regex(found, r"^\+? ?", "") if len(found) else found
    bare = pc.replace_substring_regex(bare, r"^- ", "-") if len(found) else bare
    return fractional, integral, boolean, values_of(pc.cast(bare, pa.float64()))


_PROBES = 8


def _maybe_numeric(texts: pa.Array) -> Mask:
    """False where one of a few bytes of a text shows that it is no number."""
    data, offsets = bytes_of(texts)
    starts, lengths = offsets[:-1], np.diff(offsets)
    if not len(data):
        return np.zeros(len(texts), dtype=np.bool_)
    width = int(lengths[0])
    if width and np.all(lengths == width):
        columns = data.reshape(-1, width)
        likely: Mask = columns[:, -1] - np.uint8(ord("0")) <= 9
        for probe in range(_PROBES):
            likely &= _may_be_inside(columns[:, width * probe // _PROBES])
        return likely
    likely = (data[offsets[1:] - 1] - np.uint8(ord("0")) <= 9) & (lengths > 0)
    places = np.flatnonzero(likely)
    for probe in range(_PROBES):
        kept = _may_be_inside(data[starts[places] + lengths[places] * probe // _PROBES])
        likely[places] = kept
        places = places[kept]
    return likely


def _may_be_inside(characters: npt.NDArray[np.uint8]) -> Mask:
    """Digits, signs, points, blanks and e; the few others below 9 are left to the patterns."""
    found: Mask = (characters <= ord("9")) | (characters | np.uint8(32) == ord("e"))
    return found
