"""URDF: fresh in the repository, whole, and read by parsers that we did not write."""

import itertools
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import mujoco
import numpy as np
import pytest

from vla_mbpo.paths import REPOSITORY_ROOT
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.kinematics import joint_positions
from vla_mbpo.robots.tree import Geometry
from vla_mbpo.robots.urdf import to_urdf
from vla_mbpo.robots.urdf import write_urdf

FOR_MUJOCO = (
    '<mujoco><compiler fusestatic="false" balanceinertia="true" discardvisual="true"/></mujoco>'
    '</robot>'
)


def in_mujoco(robot: RobotDescription) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(to_urdf(robot).replace('</robot>', FOR_MUJOCO))


@pytest.mark.parametrize('name', robot_names())
def test_file_in_the_repository_is_fresh(name: str) -> None:
    path = REPOSITORY_ROOT / 'urdf' / name / f'{name}.urdf'
    remedy = 'run: vla-mbpo robots --write-urdf urdf'
    assert path.read_text() == to_urdf(load_robot(name)), remedy


@pytest.mark.parametrize('name', robot_names())
def test_every_link_joint_and_camera_appears_once_below_the_world(name: str) -> None:
    robot = load_robot(name)
    root = ElementTree.fromstring(to_urdf(robot))
    links = [element.get('name') for element in root.findall('link')]
    joints = [element.get('name') for element in root.findall('joint')]
    frames = [camera.optical_frame for camera in robot.cameras]
    assert links == ['world', *(link.name for link in robot.links), *frames]
    assert len(set(joints)) == len(joints) == len(links) - 1
    children = [element.find('child').get('link') for element in root.findall('joint')]
    assert sorted(children) == sorted(links[1:])


def test_limits_mimics_and_masses_are_those_of_the_description() -> None:
    robot = load_robot('arx_x5')
    root = ElementTree.fromstring(to_urdf(robot))
    finger = root.find("joint[@name='left_finger_right_joint']")
    assert finger.find('mimic').get('joint') == 'left_finger_left_joint'
    assert float(finger.find('limit').get('upper')) == 0.044
    masses = [float(element.get('value')) for element in root.iter('mass')]
    assert sum(masses) == pytest.approx(
        sum(link.inertial.mass_kg for link in robot.links if link.inertial)
    )


def test_a_capsule_is_a_cylinder_between_two_spheres() -> None:
    root = ElementTree.fromstring(to_urdf(load_robot('arx_x5')))
    collisions = root.find("link[@name='left_link2']").findall('collision')
    shapes = [element.find('geometry')[0].tag for element in collisions]
    assert shapes == ['cylinder', 'sphere', 'sphere']
    ends = [element.find('origin').get('xyz') for element in collisions[1:]]
    assert ends == ['0 0 0', '-0.264 0 0']


def test_a_sphere_is_one_and_what_does_not_collide_is_only_seen() -> None:
    robot = load_robot('arx_x5')
    ball = Geometry(shape='sphere', center_m=(0.0, 0.0, 1.0), radius_m=0.5, collides=False)
    link = replace(robot.link('left_eef_link'), geometry=(ball,))
    links = tuple(link if other.name == link.name else other for other in robot.links)
    element = ElementTree.fromstring(to_urdf(replace(robot, links=links))).find(
        "link[@name='left_eef_link']"
    )
    assert element.find('visual/geometry/sphere').get('radius') == '0.5'
    assert element.find('visual/origin').get('xyz') == '0 0 1'
    assert element.find('collision') is None


@pytest.mark.parametrize('name', robot_names())
def test_mujoco_reads_it_and_finds_no_self_collision_at_home(name: str) -> None:
    robot = load_robot(name)
    model = in_mujoco(robot)
    data = mujoco.MjData(model)
    for joint, value in joint_positions(robot, robot.state.home).items():
        data.qpos[model.joint(joint).qposadr[0]] = value
    mujoco.mj_forward(model, data)
    allowed = {frozenset(pair) for pair in robot.file.collision_excludes}
    allowed |= {frozenset((joint.parent, joint.child)) for joint in robot.joints}
    bodies = model.geom_bodyid[data.contact.geom]
    touching = {frozenset(model.body(int(b)).name for b in pair) for pair in bodies}
    assert touching - allowed == set()


@pytest.mark.parametrize('name', robot_names())
def test_inertias_are_those_of_bodies_that_can_exist(name: str) -> None:
    for link in load_robot(name).links:
        if link.inertial is None:
            continue
        ixx, ixy, ixz, iyy, iyz, izz = link.inertial.inertia_kg_m2
        a, b, c = np.linalg.eigvalsh([[ixx, ixy, ixz], [ixy, iyy, iyz], [ixz, iyz, izz]])
        assert a > 0, link.name
        # The vendors' rounding breaks the triangle inequality by a few percent.
        assert c <= (a + b) * 1.05, link.name


def test_text_is_the_same_every_time_and_written_to_the_robots_folder(tmp_path: Path) -> None:
    robot = load_robot('galaxy_r1')
    path = write_urdf(robot, tmp_path)
    assert path == tmp_path / 'galaxea_r1' / 'galaxea_r1.urdf'
    assert path.read_text() == to_urdf(robot) == to_urdf(robot)


def test_left_and_right_of_the_galaxea_robots_mirror_each_other() -> None:
    for name, left in itertools.product(['galaxea_r1', 'galaxea_r1_pro'], ['left_arm_link2']):
        robot = load_robot(name)
        right = robot.link(left.replace('left', 'right'))
        mirrored = np.array([1.0, -1.0, 1.0])
        for a, b in zip(robot.link(left).geometry, right.geometry, strict=True):
            assert np.array(a.to_m) == pytest.approx(mirrored * b.to_m, abs=2e-3)
