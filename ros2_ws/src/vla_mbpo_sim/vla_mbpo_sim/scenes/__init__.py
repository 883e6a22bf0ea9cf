"""Task scenes of the twin, by task name."""

from collections.abc import Callable

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo_sim.scenes.pick_cup import PickCup
from vla_mbpo_sim.scenes.scene import ObjectPose
from vla_mbpo_sim.scenes.scene import SceneSettings
from vla_mbpo_sim.scenes.scene import TaskScene

__all__ = ['ObjectPose', 'SceneSettings', 'TaskScene', 'make_scene', 'scene_names']

_SCENES: dict[str, Callable[[RobotDescription], TaskScene]] = {PickCup.name: PickCup}


def scene_names() -> tuple[str, ...]:
    """Tasks that the twin has a scene for."""
    return tuple(_SCENES)


def make_scene(task: str, robot: RobotDescription) -> TaskScene:
    """Scene of task `task` around `robot`.

    Raises:
        UnknownNameError: the twin has no scene for the task, or none for the robot; lists those it has.
    """
    if task not in _SCENES:
        raise UnknownNameError('scene', task, known=_SCENES, where='the twin')
    return _SCENES[task](robot)
