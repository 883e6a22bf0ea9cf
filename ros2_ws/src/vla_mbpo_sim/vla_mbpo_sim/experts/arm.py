"""Inverse kinematics of one arm, everything else of the robot held still."""

import mink
import numpy as np

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots.kinematics import joint_positions
from vla_mbpo.robots.schema import Group
from vla_mbpo_sim.model import build_spec

POSITION_TOLERANCE_M = 5.0e-4
ANGLE_TOLERANCE_RAD = 0.01
MAX_ITERATIONS = 40
STEP_RAD = 0.35
"""Largest change of a joint in one iteration."""
ORIENTATION_COST = 0.3
POSTURE_COST = 2.0e-3
"""Pull of a redundant arm towards where it came from, small beside the costs of the tool's pose."""
LIMIT_MARGIN_RAD = 0.03
SOLVER = 'daqp'


class Arm:
    """One arm in the world, the other joints as `state` [S] has them; the base stands at the origin.

    Tip links have x along the fingers and y across the jaws.
    """

    def __init__(self, robot: RobotDescription, group: Group, state: Vector) -> None:
        assert group.tip is not None
        held = {
            name: position
            for name, position in joint_positions(robot, state).items()
            if name not in group.joints
        }
        model = build_spec(robot, fixed=held).compile()
        model.jnt_range += np.array([LIMIT_MARGIN_RAD, -LIMIT_MARGIN_RAD])
        self.group = group
        self._configuration = mink.Configuration(model)
        self._tool = mink.FrameTask(
            group.tip, 'body', position_cost=1.0, orientation_cost=ORIENTATION_COST
        )
        self._posture = mink.PostureTask(model, cost=POSTURE_COST)
        self._limits = [
            mink.ConfigurationLimit(model),
            mink.VelocityLimit(model, dict.fromkeys(group.joints, STEP_RAD)),
        ]
        root = model.body(robot.joint(group.joints[0]).child).id
        self.shoulder_m: Vector = self._configuration.data.xpos[root].copy()

    def reach(self, pose: mink.SE3, seed: Vector) -> Vector | None:
        """Joints [J] that bring the tip to `pose`, from joints `seed` [J]; None if there are none near."""
        configuration = self._configuration
        lower, upper = configuration.model.jnt_range.T
        configuration.update(np.clip(seed, lower, upper))
        self._posture.set_target(configuration.q)
        self._tool.set_target(pose)
        for _ in range(MAX_ITERATIONS):
            if self._is_there():
                return np.array(configuration.q)
            step = mink.solve_ik(
                configuration, [self._tool, self._posture], 1.0, SOLVER, limits=self._limits
            )
            configuration.integrate_inplace(step, 1.0)
        return np.array(configuration.q) if self._is_there() else None

    def follow(self, poses: list[mink.SE3], seed: Vector) -> list[Vector] | None:
        """Joints for each of `poses`, each near the one before; None if one is out of reach."""
        path = []
        for pose in poses:
            joints = self.reach(pose, seed)
            if joints is None:
                return None
            path.append(joints)
            seed = joints
        return path

    def _is_there(self) -> bool:
        error = self._tool.compute_error(self._configuration)
        return bool(
            np.linalg.norm(error[:3]) < POSITION_TOLERANCE_M
            and np.linalg.norm(error[3:]) < ANGLE_TOLERANCE_RAD
        )


def tool_pose(tip_m: Vector, pitch_rad: float, yaw_rad: float) -> mink.SE3:
    """Pose of a tip at `tip_m` whose fingers point along heading `yaw_rad`, tilted down by `pitch_rad`."""
    turn = mink.SO3.from_z_radians(yaw_rad) @ mink.SO3.from_y_radians(pitch_rad)
    return mink.SE3.from_rotation_and_translation(turn, tip_m)


def moved(pose: mink.SE3, offset_m: Vector) -> mink.SE3:
    """`pose` shifted by `offset_m` in the world."""
    return mink.SE3.from_rotation_and_translation(pose.rotation(), pose.translation() + offset_m)


def straight(start: mink.SE3, end: mink.SE3, step_m: float) -> list[mink.SE3]:
    """Poses on the line from `start` to `end`, both included, at most `step_m` apart."""
    length = float(np.linalg.norm(end.translation() - start.translation()))
    count = max(2, int(np.ceil(length / step_m)) + 1)
    return [start.interpolate(end, fraction) for fraction in np.linspace(0.0, 1.0, count)]


def gripper_of(robot: RobotDescription, arm: Group) -> Group:
    """Gripper that hangs on `arm`."""
    parents = {joint.child: joint.parent for joint in robot.joints}
    wrist = robot.joint(arm.joints[-1]).child
    for group in robot.groups:
        if group.gripper is None:
            continue
        link: str | None = robot.joint(group.joints[0]).parent
        while link is not None and link != wrist:
            link = parents.get(link)
        if link == wrist:
            return group
    raise UnknownNameError('gripper of arm', arm.name, known=[g.name for g in robot.groups])
