"""Loading robot files: what is derived from them, and how each mistake is reported."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vla_mbpo.config import load
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.schema import RobotFile

MINIMAL = """
name: stick
title: One joint and a gripper
sources: {all: made up}
parts:
  stick:
    root: foot
    links:
    - {name: foot}
    - {name: rod, inertial: {mass_kg: 1.0, com_m: [0, 0, 0], inertia_kg_m2: [1, 0, 0, 1, 0, 1]}}
    - {name: finger_a}
    - {name: finger_b}
    joints:
    - {name: hinge, type: revolute, parent: foot, child: rod, axis: [0, 1, 0],
       limit: {lower: -1.0, upper: 1.0, velocity: 2.0, effort: 3.0}}
    - {name: slide_a, type: prismatic, parent: rod, child: finger_a,
       limit: {lower: 0.0, upper: 0.05, velocity: 1.0, effort: 3.0}}
    - {name: slide_b, type: prismatic, parent: rod, child: finger_b, mimic: slide_a,
       limit: {lower: 0.0, upper: 0.05, velocity: 1.0, effort: 3.0}}
mounts:
- {part: stick, prefix: left_}
groups:
- {name: arm, kind: arm, joints: [left_hinge], max_rate: 1.0, max_rate_change: 2.0, home: [0.5], tip: left_rod}
- {name: hand, kind: gripper, joints: [left_slide_a, left_slide_b], max_rate: 0.2, max_rate_change: 1.0, home: [0.1],
   gripper: {closed_m: 0.0, open_m: 0.1, vendor_closed: 0.0, vendor_open: 100.0}}
action: [arm, hand]
state: [hand, arm]
cameras:
- {name: head, driver: zed, model: any, parent: world, origin: {xyz_m: [0, 0, 1]},
   width: 4, height: 2, rate_hz: 5, fovy_deg: 60}
command_rate_hz: 100
policy_rate_hz: 10
record_rate_hz: 10
servo_rate_hz: 500
teleoperators: [scripted]
"""

Edit = Callable[[dict[str, Any]], object]


def described(folder: Path, edit: Edit = lambda file: None) -> RobotDescription:
    content = yaml.safe_load(MINIMAL)
    edit(content)
    path = folder / 'stick.yaml'
    path.write_text(yaml.safe_dump(content))
    return RobotDescription.from_file(load(RobotFile, path), source=str(path))


def part(file: dict[str, Any]) -> dict[str, Any]:
    return file['parts']['stick']


def test_names_get_the_mounts_prefix_and_the_root_hangs_on_the_world(tmp_path: Path) -> None:
    robot = described(tmp_path)
    assert [link.name for link in robot.links] == [
        'left_foot', 'left_rod', 'left_finger_a', 'left_finger_b',
    ]  # fmt: skip
    mount = robot.joint('left_foot_mount')
    assert (mount.type, mount.parent, mount.child) == ('fixed', 'world', 'left_foot')
    assert robot.joint('left_slide_b').mimic == 'left_slide_a'


def test_joints_are_sorted_so_that_parents_come_first(tmp_path: Path) -> None:
    robot = described(tmp_path, lambda file: part(file)['joints'].reverse())
    placed = {'world'}
    for joint in robot.joints:
        assert joint.parent in placed
        placed.add(joint.child)


def test_action_and_state_follow_their_own_group_order(tmp_path: Path) -> None:
    robot = described(tmp_path)
    assert robot.action.names == ('left_hinge', 'hand')
    assert robot.state.names == ('hand', 'left_hinge')
    assert robot.action.units == ('rad', 'm')
    assert robot.action.home.tolist() == [0.5, 0.1]
    assert robot.action.slice('hand') == slice(1, 2)


@pytest.mark.parametrize(
    ('name', 'width', 'first', 'last'),
    [
        ('arx_x5', 14, 'left_joint1', 'right_gripper'),
        ('galaxea_r1', 21, 'base_vx', 'right_gripper'),
        ('galaxea_r1_pro', 23, 'base_vx', 'right_gripper'),
    ],
)
def test_shipped_robots_have_the_papers_widths(
    name: str, width: int, first: str, last: str
) -> None:
    robot = load_robot(name)
    assert robot.action.width == robot.state.width == width
    assert (robot.action.names[0], robot.action.names[-1]) == (first, last)
    assert robot.camera_names == ('head', 'left_wrist', 'right_wrist')
    assert (robot.action.lower <= robot.action.home).all()
    assert (robot.action.home <= robot.action.upper).all()


def test_base_dims_are_velocities_and_the_torso_is_held_by_default() -> None:
    robot = load_robot('galaxea_r1')
    assert robot.action.is_velocity[robot.action.slice('base')].all()
    assert robot.action.is_velocity.sum() == 3
    assert robot.action.units[:3] == ('m/s', 'm/s', 'rad/s')
    assert [group.name for group in robot.groups if not group.enabled] == ['torso']


def test_the_papers_spelling_is_an_alias() -> None:
    assert load_robot('galaxy_r1') is load_robot('galaxea_r1')
    assert 'galaxy_r1' not in robot_names()


def test_an_unknown_robot_lists_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match=r"'arx_x6'; known: arx_x5, .*galaxy_r1.*'arx_x5'\?"):
        load_robot('arx_x6')


def test_unknown_parts_of_a_robot_list_those_that_exist() -> None:
    robot = load_robot('arx_x5')
    for find, kind in ((robot.joint, 'joint'), (robot.link, 'link'), (robot.group, 'group')):
        with pytest.raises(
            UnknownNameError, match=f"unknown {kind} 'left_' in arx_x5; known: left"
        ):
            find('left_')
    with pytest.raises(UnknownNameError, match=r"camera 'haed'.*Did you mean 'head'\?"):
        robot.camera('haed')


MISTAKES: dict[str, tuple[Edit, str]] = {
    'unknown key': (
        lambda f: f.update(comand_rate_hz=1),
        "comand_rate_hz: unknown key.*Did you mean 'command_rate_hz'?",
    ),
    'unknown nested key': (
        lambda f: part(f)['joints'][0]['limit'].update(velocty=1),
        "parts.stick.joints.0.limit.velocty: unknown key.*'velocity'",
    ),
    'missing key': (lambda f: f.pop('title'), 'title: missing key'),
    'missing nested key': (
        lambda f: part(f)['joints'][0]['limit'].pop('effort'),
        'parts.stick.joints.0.limit.effort: missing key',
    ),
    'wrong type': (
        lambda f: f.update(command_rate_hz='fast'),
        "command_rate_hz: input should be a valid number, got 'fast'",
    ),
    'true is no number': (lambda f: f.update(policy_rate_hz=True), 'policy_rate_hz:.*True'),
    'half a pixel': (lambda f: f['cameras'][0].update(width=0.5), 'cameras.0.width:.*0.5'),
    'out of range': (
        lambda f: f.update(record_rate_hz=1000.0),
        'record_rate_hz: input should be less than or equal to 200, got 1000.0',
    ),
    'not a number': (lambda f: f.update(gravity_m_s2=math.nan), 'expected a finite number'),
    'short vector': (
        lambda f: part(f)['joints'][0].update(axis=[0, 1]),
        r'parts.stick.joints.0.axis.2: missing key',
    ),
    'unknown choice': (
        lambda f: part(f)['joints'][0].update(type='hinge'),
        "parts.stick.joints.0.type: .*'hinge'",
    ),
    'limits upside down': (
        lambda f: part(f)['joints'][0]['limit'].update(lower=2.0),
        'parts.stick.joints.0.limit: lower 2.0 must be below upper 1.0',
    ),
    'no limit': (
        lambda f: part(f)['joints'][0].pop('limit'),
        'joint hinge: a revolute joint needs a limit',
    ),
    'shape without size': (
        lambda f: part(f)['links'][0].update(geometry=[{'shape': 'box', 'radius_m': 1.0}]),
        'box takes center_m, half_m; got radius_m',
    ),
    'dangling link': (
        lambda f: part(f)['joints'][0].update(child='rodd'),
        "parts.stick.joints.hinge: unknown link 'rodd'.*Did you mean 'rod'?",
    ),
    'dangling root': (
        lambda f: part(f).update(root='feet'),
        "parts.stick.root: unknown link 'feet'",
    ),
    'dangling mimic': (
        lambda f: part(f)['joints'][2].update(mimic='slide_c'),
        "joints.slide_b.mimic: unknown joint 'slide_c'.*'slide_",
    ),
    'dangling part': (
        lambda f: f['mounts'][0].update(part='stik'),
        "mounts.0.part: unknown part 'stik'.*'stick'",
    ),
    'dangling mount': (
        lambda f: f['mounts'][0].update(parent='worl'),
        "mounts.left_.parent: unknown link 'worl'.*'world'",
    ),
    'dangling group joint': (
        lambda f: f['groups'][0].update(joints=['left_hing']),
        "groups.arm.joints: unknown joint 'left_hing'.*'left_hinge'",
    ),
    'dangling tip': (
        lambda f: f['groups'][0].update(tip='rod'),
        "groups.arm.tip: unknown link 'rod'",
    ),
    'dangling camera': (
        lambda f: f['cameras'][0].update(parent='left_rodd'),
        "cameras.head.parent: unknown link 'left_rodd'.*'left_rod'",
    ),
    'dangling exclude': (
        lambda f: f.update(collision_excludes=[['left_rod', 'left_arm']]),
        "collision_excludes.0: unknown link 'left_arm'",
    ),
    'dangling group': (
        lambda f: f.update(action=['arm', 'hnad']),
        "action: unknown group 'hnad'; known: arm, hand. Did you mean 'hand'?",
    ),
    'two parents': (
        lambda f: part(f)['joints'][2].update(child='finger_a'),
        "link 'finger_a' has two parents",
    ),
    'no parent': (lambda f: part(f)['joints'].pop(), "link 'finger_b' has no parent joint"),
    'link twice': (lambda f: part(f)['links'].append({'name': 'rod'}), "link 'rod' is given twice"),
    'mounted twice': (
        lambda f: f['mounts'].append({'part': 'stick', 'prefix': 'left_'}),
        "mounts: link 'left_rod' comes from two of them",
    ),
    'hanging on itself': (
        lambda f: f['mounts'][0].update(parent='left_rod'),
        "joints do not reach 'world': left_foot_mount",
    ),
    'joint in two groups': (
        lambda f: f['groups'].append(f['groups'][0] | {'name': 'other'}),
        "groups: joint 'left_hinge' is in two of them",
    ),
    'group twice in the action': (
        lambda f: f.update(action=['arm', 'arm']),
        "action: group 'arm' is given twice",
    ),
    'short home': (
        lambda f: f['groups'][0].update(home=[]),
        'groups.arm.home: expected 1 numbers, got 0',
    ),
    'home out of limits': (
        lambda f: f['groups'][0].update(home=[1.5]),
        "groups.arm.home: 1.5 of 'left_hinge' is outside -1.0 to 1.0",
    ),
    'rates of another width': (
        lambda f: f['groups'][0].update(max_rate=[1.0, 2.0]),
        'groups.arm.max_rate: expected one number or 1, got 2',
    ),
    'gripper without opening': (
        lambda f: f['groups'][1].pop('gripper'),
        "groups.hand.gripper: given for a group of kind 'gripper', and only for it",
    ),
    'gripper that opens by closing': (
        lambda f: f['groups'][1]['gripper'].update(closed_m=0.1),
        'groups.hand.gripper: closed_m 0.1 must be below open_m 0.1',
    ),
    'gripper home too wide': (
        lambda f: f['groups'][1].update(home=[0.2]),
        r'groups.hand.home: \(0.2,\) is not between closed_m and open_m',
    ),
    'commanded joint without limit': (
        lambda f: part(f)['joints'][0].update(type='continuous', limit=None),
        "groups.arm.joints: 'left_hinge' is commanded but has no limit",
    ),
    'base with one joint': (
        lambda f: f['groups'][0].update(
            kind='base',
            home=[],
            base={'dims': ['vx', 'vy', 'wz'], 'max_velocity': [1, 1, 1], 'deadband': [0, 0, 0]},
        ),
        r'groups.arm.joints: expected 3 \(x, y, yaw\), got 1',
    ),
    'opening beyond the fingers': (
        lambda f: f['groups'][1]['gripper'].update(open_m=0.2),
        'groups.hand.gripper: opening 0.2 m is beyond the limits of joint',
    ),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_is_refused_with_file_and_place(mistake: str, tmp_path: Path) -> None:
    edit, message = MISTAKES[mistake]
    with pytest.raises(ConfigError, match=rf'stick\.yaml: .*{message}'):
        described(tmp_path, edit)


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        described(tmp_path, lambda f: f.update(action=['x'], state=['y']))
    assert len(caught.value.problems) == 2


def test_a_key_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / 'stick.yaml'
    path.write_text(MINIMAL + 'name: again\n')
    line = MINIMAL.count('\n') + 1
    with pytest.raises(ConfigError, match=f"key 'name' is given twice.*line {line}"):
        load(RobotFile, path)
