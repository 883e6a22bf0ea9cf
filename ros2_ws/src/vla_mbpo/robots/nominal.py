"""Nominal calibration: what the description claims, in the file formats that a measured calibration uses.

Intrinsics follow ROS camera_info YAML, extrinsics the fields of easy_handeye2's `.calib` files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from vla_mbpo.config import read_yaml
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots.description import WORLD
from vla_mbpo.robots.description import RobotDescription
from vla_mbpo.robots.schema import Camera
from vla_mbpo.robots.tree import Pose
from vla_mbpo.robots.tree import Vec3

NOMINAL = 'nominal'
_NOTE = """# Nominal values from robots/{robot}.yaml, not measured. Regenerate with
# `vla-mbpo robots --write-calibration calibration`.
"""


def nominal_calibration(robot: RobotDescription) -> dict[str, str]:
    """YAML text of intrinsics, extrinsics and time offsets by file name."""
    contents: dict[str, dict[str, Any]] = {
        'intrinsics.yaml': {c.name: _intrinsics(c) for c in robot.cameras},
        'extrinsics.yaml': {c.name: _extrinsics(c) for c in robot.cameras},
        'time_offsets.yaml': {c.name: {'time_offset_s': 0.0} for c in robot.cameras},
    }
    return {
        name: _NOTE.format(robot=robot.name) + _text(robot, cameras)
        for name, cameras in contents.items()
    }


def write_nominal_calibration(robot: RobotDescription, folder: Path) -> list[Path]:
    """Write the three files below `<folder>/<robot>/` and return their paths.

    Raises:
        VlaMbpoError: a file there holds measured values; nothing is written then.
    """
    texts = {folder / robot.name / name: text for name, text in nominal_calibration(robot).items()}
    for path in texts:
        if path.exists():
            _refuse_measured(path)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    return list(texts)


def quaternion_xyzw(rpy_rad: Vec3) -> tuple[float, float, float, float]:
    """Unit quaternion of rotations about the fixed axes x, y, z, with w >= 0."""
    half = np.array(rpy_rad) / 2
    (sx, sy, sz), (cx, cy, cz) = np.sin(half), np.cos(half)
    quaternion = np.array(
        [
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
            cx * cy * cz + sx * sy * sz,
        ]
    )
    x, y, z, w = (quaternion if quaternion[3] >= 0 else -quaternion).tolist()
    return x, y, z, w


def _text(robot: RobotDescription, cameras: Mapping[str, Any]) -> str:
    content = {'status': NOMINAL, 'robot': robot.name, 'cameras': dict(cameras)}
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)


def _refuse_measured(path: Path) -> None:
    status = read_yaml(path).get('status')
    if status != NOMINAL:
        raise VlaMbpoError(
            f'{path}: status is {status!r}, so it holds measured values; move it away to replace it '
            f'by nominal ones'
        )


def _intrinsics(camera: Camera) -> dict[str, Any]:
    """Pinhole without distortion."""
    cx, cy = camera.principal_px
    matrix = [camera.focal_px, 0.0, cx, 0.0, camera.focal_px, cy, 0.0, 0.0, 1.0]
    return {
        'image_width': camera.width,
        'image_height': camera.height,
        'camera_name': camera.name,
        'camera_matrix': _matrix(3, 3, matrix),
        'distortion_model': 'plumb_bob',
        'distortion_coefficients': _matrix(1, 5, [0.0] * 5),
        'rectification_matrix': _matrix(3, 3, np.eye(3).ravel().tolist()),
        'projection_matrix': _matrix(3, 4, [*matrix[:3], 0.0, *matrix[3:6], 0.0, *matrix[6:], 0.0]),
    }


def _matrix(rows: int, cols: int, data: list[float]) -> dict[str, Any]:
    return {'rows': rows, 'cols': cols, 'data': data}


def _extrinsics(camera: Camera) -> dict[str, Any]:
    fixed = camera.parent == WORLD
    return {
        'calibration_type': 'eye_on_base' if fixed else 'eye_in_hand',
        'parent_frame': camera.parent,
        'child_frame': camera.optical_frame,
        'transform': _transform(camera.origin),
    }


def _transform(pose: Pose) -> dict[str, dict[str, float]]:
    quaternion = (round(value, 9) + 0.0 for value in quaternion_xyzw(pose.rpy_rad))
    return {
        'translation': dict(zip('xyz', pose.xyz_m, strict=True)),
        'rotation': dict(zip('xyzw', quaternion, strict=True)),
    }
