"""Forward kinematics of a robot description in numpy; frames are 4 x 4 poses in the world."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots.description import WORLD
from vla_mbpo.robots.description import RobotDescription
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Pose
from vla_mbpo.robots.tree import Vec3

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]


def rotation(rpy_rad: Vec3) -> Matrix:
    """Rotation [3, 3] about the fixed axes x, then y, then z (URDF's `rpy`)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(rpy_rad), np.cos(rpy_rad)
    return np.array(
        [
            [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
            [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
            [-sy, cy * sx, cy * cx],
        ]
    )


def transform(pose: Pose) -> Matrix:
    """Pose as a 4 x 4 matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(pose.rpy_rad)
    matrix[:3, 3] = pose.xyz_m
    return matrix


def forward_kinematics(
    robot: RobotDescription, positions: Mapping[str, float]
) -> dict[str, Matrix]:
    """Pose in the world of every link, `world` included.

    Args:
        robot: the description.
        positions: rad or m by joint name, for every joint that moves. A joint that mimics another may be left
            out; it then copies it.

    Raises:
        UnknownNameError: a name is not a joint that moves.
        VlaMbpoError: a joint that moves is missing.
    """
    _check_names(robot, positions)
    frames = {WORLD: np.eye(4)}
    for joint in robot.joints:
        frames[joint.child] = (
            frames[joint.parent] @ transform(joint.origin) @ _motion(joint, positions)
        )
    return frames


def joint_positions(robot: RobotDescription, state: Vector) -> dict[str, float]:
    """Position of every joint that moves, from a state vector of shape [state width].

    A gripper's opening is shared equally by its fingers. A base has velocities in the state, not a pose, so its
    joints are 0: frames are then relative to where the base stands.

    Raises:
        ShapeError: `state` has another shape.
    """
    robot.state.check(state, 'state')
    positions = {joint.name: 0.0 for joint in robot.moving_joints}
    for name in robot.state.groups:
        group, values = robot.group(name), state[robot.state.slice(name)]
        if group.kind == 'gripper':
            positions.update(dict.fromkeys(group.joints, float(values[0]) / len(group.joints)))
        elif group.kind != 'base':
            positions.update(zip(group.joints, values.tolist(), strict=True))
    for joint in robot.moving_joints:
        if joint.mimic:
            positions[joint.name] = positions[joint.mimic]
    return positions


def camera_poses(robot: RobotDescription, frames: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """Pose in the world of every camera's optical frame, by camera name, from `forward_kinematics`."""
    return {
        camera.name: frames[camera.parent] @ transform(camera.origin) for camera in robot.cameras
    }


def _motion(joint: Joint, positions: Mapping[str, float]) -> Matrix:
    matrix = np.eye(4)
    if joint.type == 'fixed':
        return matrix
    value = positions[joint.name] if joint.name in positions else positions[joint.mimic or '']
    axis = np.array(joint.axis) / np.linalg.norm(joint.axis)
    if joint.type == 'prismatic':
        matrix[:3, 3] = value * axis
    else:
        matrix[:3, :3] = _about(axis, value)
    return matrix


def _about(axis: Vector, angle_rad: float) -> Matrix:
    """Rotation [3, 3] by `angle_rad` about the unit vector `axis` (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Matrix = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
    return turned


def _check_names(robot: RobotDescription, positions: Mapping[str, float]) -> None:
    moving = {joint.name: joint for joint in robot.moving_joints}
    for name in positions:
        if name not in moving:
            raise UnknownNameError('moving joint', name, known=moving, where=robot.name)
    missing = [name for name, joint in moving.items() if not joint.mimic and name not in positions]
    if missing:
        raise VlaMbpoError(f'{robot.name}: no position given for joint {", ".join(missing)}')
