"""What a task scene has to offer to the twin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np


@dataclass(frozen=True, kw_only=True)
class ObjectPose:
    """Pose of an object's centre in the world."""

    xyz_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]


SceneSettings = Mapping[str, float | str | tuple[float, ...]]
"""`Condition.scene` of a task: plain values that the scene checks."""


class TaskScene(Protocol):
    """Table and objects of one task around one robot."""

    @property
    def name(self) -> str:
        """Name of the task."""
        ...

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add surroundings and objects to the model of the robot."""
        ...

    def reset(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        rng: np.random.Generator,
        settings: SceneSettings,
    ) -> None:
        """Place the objects at random, within `settings`; writes poses to `data` and looks to `model`.

        Raises:
            ConfigError: a setting is unknown, missing, or not among the values that exist.
        """
        ...

    def success(self, model: mujoco.MjModel, data: mujoco.MjData) -> bool:
        """True if the task is done in this state."""
        ...

    def objects(self, model: mujoco.MjModel, data: mujoco.MjData) -> dict[str, ObjectPose]:
        """Poses of the task's objects by name."""
        ...
