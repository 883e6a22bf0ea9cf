"""The few rotations that the twin needs. Quaternions are wxyz here, as in MuJoCo; xyzw at our interfaces."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def multiply(left: Vector, right: Vector) -> Vector:
    """Product of two quaternions wxyz."""
    scalar = left[0] * right[0] - left[1:] @ right[1:]
    vector = left[0] * right[1:] + right[0] * left[1:] + np.cross(left[1:], right[1:])
    return np.array([scalar, *vector])


def about_axis(axis: Vector, angle_rad: float) -> Vector:
    """Quaternion wxyz of a turn by `angle_rad` about unit vector `axis`."""
    return np.array([np.cos(angle_rad / 2), *(np.sin(angle_rad / 2) * axis)])


def from_rpy(rpy_rad: tuple[float, float, float]) -> Vector:
    """Quaternion wxyz of URDF's roll, pitch, yaw about the fixed axes x, y, z."""
    x, y, z = np.eye(3)
    roll, pitch, yaw = rpy_rad
    return multiply(about_axis(z, yaw), multiply(about_axis(y, pitch), about_axis(x, roll)))


def rotate(quaternion: Vector, vector: Vector) -> Vector:
    """`vector` turned by `quaternion` wxyz."""
    turn = 2.0 * np.cross(quaternion[1:], vector)
    return np.asarray(vector + quaternion[0] * turn + np.cross(quaternion[1:], turn))


def to_xyzw(quaternion: Vector) -> Vector:
    """Quaternion wxyz to xyzw, the order of ROS messages."""
    return np.roll(quaternion, -1)
