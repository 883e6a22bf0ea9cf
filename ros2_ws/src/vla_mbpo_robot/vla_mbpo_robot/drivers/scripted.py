"""The scripted expert of the twin as a leader device."""

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots.layout import Vector
from vla_mbpo_robot.drivers.teleoperator import TeleopInput
from vla_mbpo_sim.experts import make_expert
from vla_mbpo_sim.scenes import ObjectPose


class ScriptedTeleoperator:
    """Solves the task from the twin's ground truth; each engagement draws a new variation."""

    def __init__(self, robot: RobotDescription, task: str, seed: int) -> None:
        self._expert = make_expert(robot, task, seed)
        self._is_planned = False

    def engage(self, now: TeleopInput) -> None:
        """Plan from the present pose.

        Raises:
            VlaMbpoError: there is no ground truth: the expert only works in the twin.
        """
        if not now.objects:
            raise VlaMbpoError(
                'the scripted teleoperator needs twin/state, which only the twin publishes'
            )
        objects = {
            name: ObjectPose(xyz_m=xyz, quaternion_xyzw=quaternion)
            for name, (xyz, quaternion) in now.objects.items()
        }
        self._expert.reset(now.state, objects, now.time_s)
        self._is_planned = True

    def read(self, now: TeleopInput) -> Vector | None:
        """The expert's target [A] at `now`."""
        return self._expert.act(now.state, now.time_s) if self._is_planned else None

    def close(self) -> None:
        """Nothing to release."""
