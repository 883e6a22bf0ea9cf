"""How the numbers of the action and state layouts are joints and actuators of a MuJoCo model."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.robots import Dim
from vla_mbpo.robots import Layout
from vla_mbpo.robots import RobotDescription


@dataclass(frozen=True, kw_only=True, eq=False)
class JointReadings:
    """What the encoders say, each of shape [S] in the order of the state layout.

    For a dim of a base, `position` is odometry in the world (x, y, yaw) and `velocity` the twist in the body frame.
    """

    position: Vector
    velocity: Vector
    effort: Vector


class Wiring:
    """Linear maps between layouts and model; openings are the sums of their finger joints."""

    def __init__(self, robot: RobotDescription, model: mujoco.MjModel) -> None:
        self._robot = robot
        self._model = model
        self._controls = self._control_map(robot.action)
        self._home_controls = self._control_map(robot.state) @ robot.state.home
        self._held = self._controls.any(axis=1) == 0
        self._positions = self._joint_map(robot.state, model.jnt_qposadr, model.nq)
        self._velocities = self._joint_map(robot.state, model.jnt_dofadr, model.nv)
        self._efforts = self._control_map(robot.state).astype(bool).T.astype(float)
        self._base = self._base_addresses()

    def set_home(self, data: mujoco.MjData) -> None:
        """Put every joint of the state layout at home, at rest, with its servo holding it there."""
        for joint, value in self.joint_positions(self._robot.state, self._robot.state.home):
            data.qpos[self._model.joint(joint).qposadr[0]] = value
        data.ctrl[:] = self._home_controls

    def joint_positions(self, layout: Layout, vector: Vector) -> list[tuple[str, float]]:
        """Joints with positions that `vector` [width] of `layout` asks for; bases left out."""
        return [
            (joint, share * float(value))
            for dim, value in zip(layout, vector, strict=True)
            if dim.mode == 'position'
            for joint, share in self._shares(dim)
        ]

    def apply(self, data: mujoco.MjData, action: Vector) -> None:
        """Set the servo targets for `action` [A]; groups that it does not hold stay at home."""
        data.ctrl[:] = np.where(self._held, self._home_controls, self._controls @ action)
        if self._base is not None:
            self._turn_twist(data, self._base)

    def is_driving(self, data: mujoco.MjData) -> bool:
        """True if the base is told to move."""
        return self._base is not None and bool(np.any(data.ctrl[self._base.actuators]))

    def read(self, data: mujoco.MjData) -> JointReadings:
        """Encoders in the order of the state layout."""
        velocity = self._velocities @ data.qvel
        if self._base is not None and self._base.state is not None:
            yaw = float(data.qpos[self._base.yaw])
            velocity[self._base.state] = _planar_turn(-yaw) @ data.qvel[self._base.dofs]
        return JointReadings(
            position=self._positions @ data.qpos,
            velocity=velocity,
            effort=self._efforts @ data.actuator_force,
        )

    def _turn_twist(self, data: mujoco.MjData, base: '_Base') -> None:
        """Body twist to the world's axes, in which the base joints move."""
        yaw = float(data.qpos[base.yaw])
        data.ctrl[base.actuators] = _planar_turn(yaw) @ data.ctrl[base.actuators]

    def _shares(self, dim: Dim) -> list[tuple[str, float]]:
        """Joints that make up a dim, each with the part of its value that it takes."""
        group = self._robot.group(dim.group)
        if group.base is not None:
            return [(group.joints[group.base.dims.index(dim.name)], 1.0)]
        if group.gripper is not None:
            return [(joint, 1.0 / len(group.joints)) for joint in group.joints]
        return [(dim.name, 1.0)]

    def _control_map(self, layout: Layout) -> Vector:
        """[nu, width]: servo targets = map @ vector."""
        matrix = np.zeros((self._model.nu, layout.width))
        for column, dim in enumerate(layout):
            for joint, share in self._shares(dim):
                matrix[self._model.actuator(joint).id, column] = share
        return matrix

    def _joint_map(self, layout: Layout, addresses: NDArray[np.int32], size: int) -> Vector:
        """[width, size]: a dim is the sum of its joints."""
        matrix = np.zeros((layout.width, size))
        for row, dim in enumerate(layout):
            for joint, _ in self._shares(dim):
                matrix[row, addresses[self._model.joint(joint).id]] = 1.0
        return matrix

    def _base_addresses(self) -> '_Base | None':
        group = next((group for group in self._robot.groups if group.base is not None), None)
        if group is None:
            return None
        state = self._robot.state
        joints = [self._model.joint(joint) for joint in group.joints]
        return _Base(
            actuators=np.array([self._model.actuator(joint).id for joint in group.joints]),
            dofs=np.array([joint.dofadr[0] for joint in joints]),
            yaw=int(joints[-1].qposadr[0]),
            state=state.slice(group.name) if group.name in state.groups else None,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Base:
    """Where a planar base lies in the model's arrays and in the state layout."""

    actuators: NDArray[np.int64]
    dofs: NDArray[np.int64]
    yaw: int
    state: slice | None


def _planar_turn(yaw_rad: float) -> Vector:
    """Rotation about z, acting on (x, y, yaw)."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
