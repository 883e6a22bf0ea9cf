"""Nominal calibration files agree with the descriptions and never replace measured ones."""

from pathlib import Path

import numpy as np
import pytest

from vla_mbpo.config import read_yaml
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.paths import REPOSITORY_ROOT
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.kinematics import rotation
from vla_mbpo.robots.nominal import nominal_calibration
from vla_mbpo.robots.nominal import quaternion_xyzw
from vla_mbpo.robots.nominal import write_nominal_calibration

FOLDER = REPOSITORY_ROOT / 'calibration'


def matrix(quaternion: dict[str, float]) -> np.ndarray:
    """Rotation of a unit quaternion, by turning the three axes."""
    v, w = np.array([quaternion[k] for k in 'xyz']), quaternion['w']
    columns = [a + 2 * np.cross(v, np.cross(v, a) + w * a) for a in np.eye(3)]
    return np.column_stack(columns)


@pytest.mark.parametrize('name', robot_names())
def test_nominal_files_in_the_repository_are_fresh(name: str) -> None:
    for file, text in nominal_calibration(load_robot(name)).items():
        path = FOLDER / name / file
        if read_yaml(path)['status'] == 'nominal':
            assert path.read_text() == text, 'run: vla-mbpo robots --write-calibration calibration'


@pytest.mark.parametrize('name', robot_names())
def test_files_cover_every_camera_with_its_size_and_field_of_view(name: str) -> None:
    robot = load_robot(name)
    intrinsics = read_yaml(FOLDER / name / 'intrinsics.yaml')
    offsets = read_yaml(FOLDER / name / 'time_offsets.yaml')
    assert tuple(intrinsics['cameras']) == tuple(offsets['cameras']) == robot.camera_names
    for camera in robot.cameras:
        entry = intrinsics['cameras'][camera.name]
        assert (entry['image_width'], entry['image_height']) == (camera.width, camera.height)
        fx, _, cx, _, fy, cy, *_ = entry['camera_matrix']['data']
        assert fx == fy
        seen_deg = np.degrees(2 * np.arctan(camera.height / 2 / fy))
        assert seen_deg == pytest.approx(camera.fovy_deg, abs=1e-5)
        assert (cx, cy) == ((camera.width - 1) / 2, (camera.height - 1) / 2)


@pytest.mark.parametrize('name', robot_names())
def test_extrinsics_are_the_optical_frames_of_the_description(name: str) -> None:
    entries = read_yaml(FOLDER / name / 'extrinsics.yaml')['cameras']
    for camera in load_robot(name).cameras:
        entry = entries[camera.name]
        assert (entry['parent_frame'], entry['child_frame']) == (
            camera.parent,
            camera.optical_frame,
        )
        assert tuple(entry['transform']['translation'].values()) == camera.origin.xyz_m
        turned = matrix(entry['transform']['rotation'])
        assert turned == pytest.approx(rotation(camera.origin.rpy_rad), abs=1e-8)


def test_quaternions_are_right_for_turns_of_half_a_circle_too() -> None:
    rng = np.random.default_rng(0)
    for rpy in [
        (np.pi, 0.0, 0.0),
        (0.0, np.pi, 0.0),
        (0.0, 0.0, np.pi),
        *rng.uniform(-4, 4, (50, 3)),
    ]:
        quaternion = dict(zip('xyzw', quaternion_xyzw(tuple(rpy)), strict=True))
        assert matrix(quaternion) == pytest.approx(rotation(tuple(rpy)), abs=1e-12)


def test_a_measured_file_is_not_replaced_and_nothing_else_is_written(tmp_path: Path) -> None:
    robot = load_robot('arx_x5')
    written = write_nominal_calibration(robot, tmp_path)
    assert sorted(p.name for p in written) == [
        'extrinsics.yaml', 'intrinsics.yaml', 'time_offsets.yaml',
    ]  # fmt: skip
    measured, other = tmp_path / 'arx_x5/extrinsics.yaml', tmp_path / 'arx_x5/intrinsics.yaml'
    measured.write_text(measured.read_text().replace('status: nominal', 'status: measured'))
    other.unlink()
    with pytest.raises(VlaMbpoError, match=r"extrinsics\.yaml: status is 'measured'"):
        write_nominal_calibration(robot, tmp_path)
    assert not other.exists()
