"""Numbers as Java prints them, which is how they stand in SageMaker's messages and files."""

from __future__ import annotations

from decimal import Decimal
from math import isinf, isnan


def double(value: float) -> str:
    """A double as `Double.toString` gives it: shortest digits, an exponent below 1e-3 and from 1e7 on.

    Source: Java SE API, `Double.toString`; digits are the shortest that read back, as of JDK 19.

    >>> double(100.0), double(0.000509), double(12345678.0), double(99.64592817400101)
    ('100.0', '5.09E-4', '1.2345678E7', '99.64592817400101')
    >>> double(float("nan")), double(0.001), double(1e22)
    ('NaN', '0.001', '1.0E22')
    """
    value = float(value)
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)  # Python's own shortest digits, without an exponent in this range
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    plain = "".join(map(str, digits)).rstrip("0") or "0"
    power = exponent + len(digits) - 1
    return f"{'-' if sign else ''}{plain[0]}.{plain[1:] or '0'}E{power}"
