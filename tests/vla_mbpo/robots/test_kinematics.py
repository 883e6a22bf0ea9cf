"""Forward kinematics against the vendor's solver, pinocchio and numbers that can be checked by hand."""

from pathlib import Path

import arx5_interface
import numpy as np
import pinocchio
import pytest

from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.kinematics import camera_poses
from vla_mbpo.robots.kinematics import forward_kinematics
from vla_mbpo.robots.kinematics import joint_positions
from vla_mbpo.robots.kinematics import rotation
from vla_mbpo.robots.urdf import to_urdf

CONFIGURATIONS = 100
X5_TOLERANCE_M = 5e-6
X5_TOLERANCE_NM = 5e-3
URDF_TOLERANCE_M = 1e-9
IN_SIGHT_PX = 8


def random_positions(robot: RobotDescription, rng: np.random.Generator) -> dict[str, float]:
    """Every moving joint anywhere within its limits, mimics included."""
    positions = {}
    for joint in robot.moving_joints:
        limit = joint.limit
        lower, upper = (limit.lower, limit.upper) if limit else (-np.pi, np.pi)
        positions[joint.name] = float(rng.uniform(lower, upper))
    return positions | {j.name: positions[j.mimic] for j in robot.moving_joints if j.mimic}


def pinocchio_model(robot: RobotDescription, folder: Path) -> pinocchio.Model:
    path = folder / 'robot.urdf'
    path.write_text(to_urdf(robot))
    return pinocchio.buildModelFromUrdf(str(path))


def pinocchio_configuration(model: pinocchio.Model, positions: dict[str, float]) -> np.ndarray:
    q = pinocchio.neutral(model)
    for name, value in positions.items():
        joint = model.joints[model.getJointId(name)]
        # A continuous joint is a point on the unit circle there.
        values = [value] if joint.nq == 1 else [np.cos(value), np.sin(value)]
        q[joint.idx_q : joint.idx_q + joint.nq] = values
    return q


def vendor_solver() -> tuple[arx5_interface.Arx5Solver, arx5_interface.RobotConfig]:
    config = arx5_interface.RobotConfigFactory.get_instance().get_config('X5')
    solver = arx5_interface.Arx5Solver(
        config.urdf_path,
        config.joint_dof,
        config.joint_pos_min,
        config.joint_pos_max,
        config.base_link_name,
        config.eef_link_name,
        config.gravity_vector,
    )
    return solver, config


@pytest.mark.parametrize('side', ['left', 'right'])
def test_x5_tool_is_where_the_vendors_solver_puts_it(side: str) -> None:
    solver, _ = vendor_solver()
    robot, rng = load_robot('arx_x5'), np.random.default_rng(1)
    worst_m = worst_turn = 0.0
    for _ in range(CONFIGURATIONS):
        positions = random_positions(robot, rng)
        frames = forward_kinematics(robot, positions)
        base, tool = frames[f'{side}_base_link'], frames[robot.group(f'{side}_arm').tip]
        ours = np.linalg.inv(base) @ tool
        q = np.array([positions[name] for name in robot.group(f'{side}_arm').joints])
        vendor = solver.forward_kinematics(q)
        worst_m = max(worst_m, np.linalg.norm(ours[:3, 3] - vendor[:3]))
        worst_turn = max(worst_turn, np.abs(ours[:3, :3] - rotation(tuple(vendor[3:]))).max())
    assert worst_m < X5_TOLERANCE_M
    assert worst_turn < 1e-5


def test_x5_gravity_torques_are_the_vendors_fingers_included(tmp_path: Path) -> None:
    solver, config = vendor_solver()
    robot, rng = load_robot('arx_x5'), np.random.default_rng(2)
    model = pinocchio_model(robot, tmp_path)
    data = model.createData()
    model.gravity.linear = np.array([0.0, 0.0, -robot.file.gravity_m_s2])
    still, worst_nm = np.zeros(config.joint_dof), 0.0
    for _ in range(CONFIGURATIONS):
        positions = random_positions(robot, rng)
        torques = pinocchio.computeGeneralizedGravity(
            model, data, pinocchio_configuration(model, positions)
        )
        for side in ('left', 'right'):
            names = robot.group(f'{side}_arm').joints
            ours = torques[[model.joints[model.getJointId(name)].idx_v for name in names]]
            q = np.array([positions[name] for name in names])
            worst_nm = max(worst_nm, np.abs(ours - solver.inverse_dynamics(q, still, still)).max())
    assert worst_nm < X5_TOLERANCE_NM


def test_x5_limits_gains_and_gravity_are_the_vendors() -> None:
    _, config = vendor_solver()
    robot = load_robot('arx_x5')
    gains = arx5_interface.ControllerConfigFactory.get_instance().get_config(
        'joint_controller', config.joint_dof
    )
    joints = [robot.joint(name) for name in robot.group('right_arm').joints]
    limits = [joint.limit for joint in joints]
    assert [limit.lower for limit in limits] == pytest.approx(config.joint_pos_min.tolist())
    assert [limit.upper for limit in limits] == pytest.approx(config.joint_pos_max.tolist())
    assert [limit.velocity for limit in limits] == pytest.approx(config.joint_vel_max.tolist())
    assert [limit.effort for limit in limits] == pytest.approx(config.joint_torque_max.tolist())
    assert [joint.servo.kp for joint in joints] == pytest.approx(gains.default_kp.tolist())
    assert [joint.servo.kd for joint in joints] == pytest.approx(gains.default_kd.tolist())
    assert robot.group('left_gripper').gripper.open_m == config.gripper_width
    assert robot.file.gravity_m_s2 == -config.gravity_vector[2]


@pytest.mark.parametrize('name', robot_names())
def test_every_link_is_where_pinocchio_puts_it_from_the_urdf(name: str, tmp_path: Path) -> None:
    robot, rng = load_robot(name), np.random.default_rng(3)
    model = pinocchio_model(robot, tmp_path)
    data = model.createData()
    worst_m = 0.0
    for _ in range(CONFIGURATIONS):
        positions = random_positions(robot, rng)
        q = pinocchio_configuration(model, positions)
        pinocchio.framesForwardKinematics(model, data, q)
        frames = forward_kinematics(robot, positions)
        cameras = camera_poses(robot, frames)
        ours = frames | {robot.camera(c).optical_frame: pose for c, pose in cameras.items()}
        for link, pose in ours.items():
            theirs = data.oMf[model.getFrameId(link)].homogeneous
            worst_m = max(worst_m, np.abs(pose - theirs).max())
    assert worst_m < URDF_TOLERANCE_M


def test_x5_tool_at_zero_is_24_cm_before_and_16_cm_above_its_base() -> None:
    robot = load_robot('arx_x5')
    frames = forward_kinematics(robot, {joint.name: 0.0 for joint in robot.moving_joints})
    left_base = np.array([0.0, 0.3, 0.0])
    tool = frames['left_eef_link'][:3, 3] - left_base
    assert tool == pytest.approx([0.2402, 0.00100041, 0.1565], abs=X5_TOLERANCE_M)


def test_opening_is_the_distance_that_the_fingers_moved_apart() -> None:
    for name in robot_names():
        robot = load_robot(name)
        closed, opened = robot.state.home, robot.state.home
        closed, opened = closed.copy(), opened.copy()
        index = robot.state.index('left_gripper')
        closed[index], opened[index] = robot.state.lower[index], 0.05
        gaps = []
        for state in (closed, opened):
            frames = forward_kinematics(robot, joint_positions(robot, state))
            first, second = (robot.joint(j).child for j in robot.group('left_gripper').joints)
            gaps.append(np.linalg.norm(frames[first][:3, 3] - frames[second][:3, 3]))
        assert gaps[1] - gaps[0] == pytest.approx(0.05, abs=1e-5), name


def test_a_base_stands_at_the_origin_because_the_state_holds_only_its_velocity() -> None:
    robot = load_robot('galaxea_r1')
    state = robot.state.home.copy()
    state[robot.state.slice('base')] = 0.2
    positions = joint_positions(robot, state)
    assert [positions[name] for name in robot.group('base').joints] == [0.0, 0.0, 0.0]


def test_a_mimicking_joint_follows_when_it_is_left_out() -> None:
    robot = load_robot('arx_x5')
    positions = joint_positions(robot, robot.state.home)
    complete = forward_kinematics(robot, positions)
    del positions['left_finger_right_joint']
    shorter = forward_kinematics(robot, positions)
    assert np.array_equal(complete['left_finger_right'], shorter['left_finger_right'])


@pytest.mark.parametrize('name', robot_names())
def test_at_home_the_grippers_hang_over_the_table_and_both_are_in_the_head_picture(
    name: str,
) -> None:
    robot = load_robot(name)
    frames = forward_kinematics(robot, joint_positions(robot, robot.state.home))
    head, camera = camera_poses(robot, frames)['head'], robot.camera('head')
    for side in ('left', 'right'):
        tool = frames[robot.group(f'{side}_arm').tip]
        forward, sideways = tool[:3, 0], tool[:3, 1]
        assert forward[2] < -0.5, 'fingers point down'
        assert forward[0] > 0.3, 'and forward'
        assert abs(sideways[1]) > 0.9, 'and open sideways'
        assert np.sign(tool[1, 3]) == (1 if side == 'left' else -1)
        assert in_picture(head, tool[:3, 3], camera.width, camera.height, camera.fovy_deg)


@pytest.mark.parametrize('name', robot_names())
def test_a_wrist_camera_sees_the_fingertips_near_its_middle_and_upright(name: str) -> None:
    robot = load_robot(name)
    frames = forward_kinematics(robot, joint_positions(robot, robot.state.home))
    for side in ('left', 'right'):
        pose = camera_poses(robot, frames)[f'{side}_wrist']
        camera = robot.camera(f'{side}_wrist')
        tool = frames[robot.group(f'{side}_arm').tip]
        tip = tool[:3, 3] + 0.012 * tool[:3, 0]
        x, y = pixel(pose, tip, camera.width, camera.height, camera.fovy_deg)
        assert abs(x - camera.width / 2) < camera.width / IN_SIGHT_PX
        assert abs(y - camera.height / 2) < camera.height / 4
        right_in_tool = np.linalg.inv(tool[:3, :3]) @ pose[:3, 0]
        assert right_in_tool[1] < -0.99, 'right in the picture is right of the gripper'


def test_positions_that_do_not_fit_are_refused() -> None:
    robot = load_robot('arx_x5')
    positions = joint_positions(robot, robot.state.home)
    with pytest.raises(UnknownNameError, match=r"'left_joint7'.*Did you mean 'left_joint"):
        forward_kinematics(robot, positions | {'left_joint7': 0.0})
    with pytest.raises(UnknownNameError, match='left_eef_joint'):
        forward_kinematics(robot, positions | {'left_eef_joint': 0.0})
    del positions['right_joint2']
    with pytest.raises(VlaMbpoError, match='no position given for joint right_joint2'):
        forward_kinematics(robot, positions)
    with pytest.raises(ShapeError, match=r'expected shape \(14,\), got \(13,\)'):
        joint_positions(robot, np.zeros(13))


def pixel(
    camera: np.ndarray, point: np.ndarray, width: int, height: int, fovy_deg: float
) -> tuple[float, float]:
    x, y, z = camera[:3, :3].T @ (point - camera[:3, 3])
    focal = height / 2 / np.tan(np.radians(fovy_deg) / 2)
    assert z > 0, 'in front of the camera'
    return width / 2 + focal * x / z, height / 2 + focal * y / z


def in_picture(
    camera: np.ndarray, point: np.ndarray, width: int, height: int, fovy_deg: float
) -> bool:
    x, y = pixel(camera, point, width, height, fovy_deg)
    return 0 < x < width and 0 < y < height
