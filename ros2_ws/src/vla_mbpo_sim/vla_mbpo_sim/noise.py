"""What makes a scripted expert miss now and then: a cheap source of failures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.robots import RobotDescription
from vla_mbpo_sim.scenes import ObjectPose


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What makes an expert miss now and then; all zero by default."""

    target_std: float = 0.0
    """Standard deviation of what is added to position targets, as a part of what a dim can do in a second."""
    correlation_s: float = 0.3
    """How long a disturbance of the targets lasts."""
    object_std_m: float = 0.0
    """Standard deviation of the error in x and y with which the expert sees objects."""


NO_NOISE = Noise()


class Disturbance:
    """Noise on position targets that changes slowly, as a bad teleoperator's hand does."""

    def __init__(
        self, robot: RobotDescription, noise: Noise, period_s: float, rng: np.random.Generator
    ) -> None:
        is_still = robot.action.is_velocity | ~robot.enabled_dims
        self._scale = noise.target_std * np.where(is_still, 0.0, robot.action.max_rate)
        self._keep = float(np.exp(-period_s / noise.correlation_s))
        self._rng = rng
        self._value = np.zeros(robot.action.width)

    def next(self) -> Vector:
        """What to add to the next targets, [A]."""
        fresh = self._rng.standard_normal(len(self._value))
        self._value = self._keep * self._value + np.sqrt(1.0 - self._keep**2) * fresh
        return np.asarray(self._scale * self._value)


def seen_objects(
    objects: Mapping[str, ObjectPose], noise: Noise, rng: np.random.Generator
) -> dict[str, ObjectPose]:
    """`objects` as an expert with bad eyes sees them."""
    seen = {}
    for name, pose in objects.items():
        dx, dy = rng.normal(0.0, noise.object_std_m, size=2) if noise.object_std_m else (0.0, 0.0)
        x, y, z = pose.xyz_m
        seen[name] = ObjectPose(xyz_m=(x + dx, y + dy, z), quaternion_xyzw=pose.quaternion_xyzw)
    return seen
