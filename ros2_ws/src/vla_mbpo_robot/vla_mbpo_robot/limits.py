"""Position and rate limits of commands, from the action layout."""

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.robots import Layout
from vla_mbpo.robots.layout import Vector

Mask = NDArray[np.bool_]


def limit(
    layout: Layout,
    wanted: Vector,
    previous: Vector,
    period_s: float,
    margin: float = 0.0,
    soft_rate: float = np.inf,
) -> tuple[Vector, tuple[str, ...]]:
    """Clip `wanted` [A] to position limits, then to what may change from `previous` within `period_s`.

    `margin` narrows the position limits of joints in rad; `soft_rate` caps the rate of position dims further.

    Returns:
        The limited vector, and one text per limited dim: 'left_joint2: position' or '...: rate'.
    """
    joints = np.array([dim.unit == 'rad' for dim in layout])
    lower = np.where(joints, layout.lower + margin, layout.lower)
    upper = np.where(joints, layout.upper - margin, layout.upper)
    inside = np.clip(wanted, lower, upper)
    rate = np.where(layout.is_velocity, layout.max_rate, np.minimum(layout.max_rate, soft_rate))
    step = rate * period_s if np.isfinite(period_s) else np.full(layout.width, np.inf)
    limited = np.clip(inside, previous - step, previous + step)
    position_hit = np.abs(inside - wanted) > _TOLERANCE
    rate_hit = np.abs(limited - inside) > _TOLERANCE
    return limited, _texts(layout, position_hit, rate_hit)


# Rounding of interpolated targets must not count as a limit.
_TOLERANCE = 1e-9


def velocities_zeroed(layout: Layout, command: Vector) -> Vector:
    """`command` with its velocity dims at zero: the robot stands while positions are held."""
    return np.where(layout.is_velocity, 0.0, command)


def _texts(layout: Layout, position_hit: Mask, rate_hit: Mask) -> tuple[str, ...]:
    texts = []
    for name, position, rate in zip(layout.names, position_hit, rate_hit, strict=True):
        reasons = ['position'] * bool(position) + ['rate'] * bool(rate)
        if reasons:
            texts.append(f'{name}: {", ".join(reasons)}')
    return tuple(texts)
