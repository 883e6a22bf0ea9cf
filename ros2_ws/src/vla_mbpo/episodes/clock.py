"""Rates and nanoseconds: exact, so that row 100000 lies where it should."""

from fractions import Fraction

NS_PER_S = 1_000_000_000


def to_ns(seconds: float) -> int:
    """Seconds to whole nanoseconds."""
    return round(seconds * NS_PER_S)


def exact_rate(rate_hz: float) -> Fraction:
    """A rate as the fraction that it stands for: 15.0 -> 15, 29.97003 -> 30000/1001."""
    return Fraction(rate_hz).limit_denominator(1001)


def ticks_ns(count: int, rate: Fraction) -> int:
    """Duration of `count` ticks at `rate`, rounded once."""
    return round(count * NS_PER_S / rate)
