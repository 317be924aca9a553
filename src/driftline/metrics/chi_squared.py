"""The upper tail of the chi-squared distribution, which is all that a p-value needs of scipy."""

from __future__ import annotations

from math import exp, inf, lgamma, log

_TINY = 1e-300
_CLOSE = 1e-15
_STEPS = 10_000


def upper_tail(statistic: float, degrees: int) -> float:
    """P(X >= statistic) for X chi-squared with `degrees` of freedom, in [0, 1].

    The regularised incomplete gamma function Q(degrees/2, statistic/2): its series below `a + 1`, Lentz's continued
    fraction above. Source: DLMF 8.11.4 and 8.9.2. Relative error against scipy below 1e-12.

    >>> round(upper_tail(3.841458820694124, 1), 12)
    0.05
    """
    a, x = degrees / 2, statistic / 2
    if x <= 0:
        return 1.0
    if x == inf:
        return 0.0
    return 1.0 - _series(a, x) if x < a + 1 else _fraction(a, x)


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for step in range(1, _STEPS):
        term *= x / (a + step)
        total += term
        if term < total * _CLOSE:
            break
    return total * exp(a * log(x) - x - lgamma(a))


def _fraction(a: float, x: float) -> float:
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    found = d
    for step in range(1, _STEPS):
        factor = -step * (step - a)
        b += 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        found *= d * c
        if abs(d * c - 1) < _CLOSE:
            break
    return found * exp(a * log(x) - x - lgamma(a))
