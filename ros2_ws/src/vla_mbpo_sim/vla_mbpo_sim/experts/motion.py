"""Paths to smooth motions that keep the operating limits of a layout."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.robots import Layout

PEAK_RATE = 1.875
"""Greatest slope of the minimum-jerk profile."""
PEAK_RATE_CHANGE = 5.7735
"""Greatest curvature of it."""
SAMPLE_S = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """Way points [M, A], evenly spaced along the way, done from rest to rest in at least `min_duration_s`."""

    points: Vector
    min_duration_s: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """Targets [N, A] every `SAMPLE_S`; the last one is held for ever."""

    targets: Vector

    @property
    def duration_s(self) -> float:
        """Time of the last target."""
        return (len(self.targets) - 1) * SAMPLE_S

    def at(self, time_s: float) -> Vector:
        """Targets [A] at `time_s`, between samples linearly."""
        place = float(np.clip(time_s / SAMPLE_S, 0.0, len(self.targets) - 1))
        before = int(place)
        after = min(before + 1, len(self.targets) - 1)
        share = place - before
        return np.asarray((1.0 - share) * self.targets[before] + share * self.targets[after])


def timed(segments: Sequence[Segment], layout: Layout, speed: float) -> Motion:
    """One motion through all `segments`, at fraction `speed` of the layout's rates and accelerations."""
    rates = speed * layout.max_rate
    rate_changes = speed * np.array([dim.max_rate_change for dim in layout])
    pieces = [segments[0].points[:1]]
    pieces += [_sampled(segment, rates, rate_changes)[1:] for segment in segments]
    return Motion(targets=np.concatenate(pieces))


def minimum_jerk(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth rise from 0 to 1 with no speed and no acceleration at both ends."""
    return np.asarray(fraction**3 * (10.0 - 15.0 * fraction + 6.0 * fraction**2))


def _sampled(segment: Segment, rates: Vector, rate_changes: Vector) -> Vector:
    """Targets [n, A] every `SAMPLE_S` along one segment."""
    points = segment.points
    steepest = np.abs(np.diff(points, axis=0)).max(axis=0) * (len(points) - 1)
    duration = max(
        segment.min_duration_s,
        PEAK_RATE * float((steepest / rates).max()),
        float(np.sqrt(PEAK_RATE_CHANGE * (steepest / rate_changes).max())),
    )
    count = max(2, int(np.ceil(duration / SAMPLE_S)) + 1)
    along = minimum_jerk(np.linspace(0.0, 1.0, count)) * (len(points) - 1)
    nodes = np.arange(len(points))
    return np.stack([np.interp(along, nodes, column) for column in points.T], axis=1)
