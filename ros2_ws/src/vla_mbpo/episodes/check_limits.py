"""Audit of values against the robot's limits."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.reader import Episode
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.robots import Layout

ROUNDING = 1e-5
"""Rounding of a sent command to float32, in the dim's unit."""
OVERSHOOT_SHARE = 0.05
"""How far a measured value may lie outside its range, as a share of the range."""


def limit_problems(episode: Episode, action: Layout, state: Layout) -> Iterator[tuple[str, str]]:
    """Column and message for each dim whose values lie outside the robot's limits."""
    yield from _outside(episode, ACTION, action, np.full(action.width, ROUNDING))
    yield from _outside(episode, STATE, state, OVERSHOOT_SHARE * (state.upper - state.lower))


def _outside(
    episode: Episode,
    column: str,
    layout: Layout,
    slack: NDArray[np.float64],
) -> Iterator[tuple[str, str]]:
    values = episode[column]
    excess = np.maximum(layout.lower - values, values - layout.upper)
    for i, dim in enumerate(layout):
        rows = np.flatnonzero(excess[:, i] > slack[i])
        if rows.size:
            worst = values[rows[np.argmax(excess[rows, i])], i]
            limits = f'[{dim.lower:g}, {dim.upper:g}] {dim.unit}'
            yield column, f'{dim.name} leaves {limits} in {rows.size} rows, up to {worst:g}'
