import arx5_interface
import mujoco
import numpy as np
import pytest

from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.robots.kinematics import camera_poses
from vla_mbpo.robots.kinematics import forward_kinematics
from vla_mbpo.robots.kinematics import joint_positions
from vla_mbpo_sim.model import build_spec


def random_positions(robot: RobotDescription, rng: np.random.Generator) -> dict[str, float]:
    """A position within its limits for every joint that moves; mimics copy."""
    positions: dict[str, float] = {}
    for joint in robot.moving_joints:
        low, high = (joint.limit.lower, joint.limit.upper) if joint.limit else (-3.0, 3.0)
        positions[joint.name] = positions[joint.mimic] if joint.mimic else rng.uniform(low, high)
    return positions


def placed(model: mujoco.MjModel, positions: dict[str, float]) -> mujoco.MjData:
    data = mujoco.MjData(model)
    for joint, position in positions.items():
        data.qpos[model.joint(joint).qposadr[0]] = position
    mujoco.mj_forward(model, data)
    return data


@pytest.mark.parametrize('name', robot_names())
def test_links_are_where_forward_kinematics_puts_them(name: str) -> None:
    robot = load_robot(name)
    model = build_spec(robot).compile()
    rng = np.random.default_rng(1)
    for _ in range(20):
        positions = random_positions(robot, rng)
        data = placed(model, positions)
        for link, frame in forward_kinematics(robot, positions).items():
            np.testing.assert_allclose(data.body(link).xpos, frame[:3, 3], atol=1e-9)
            np.testing.assert_allclose(data.body(link).xmat.reshape(3, 3), frame[:3, :3], atol=1e-9)


@pytest.mark.parametrize('name', robot_names())
def test_a_fixed_joint_leaves_its_links_where_they_were(name: str) -> None:
    robot = load_robot(name)
    arm = next(group for group in robot.groups if group.kind == 'arm')
    positions = joint_positions(robot, robot.state.home)
    held = {joint: q for joint, q in positions.items() if joint not in arm.joints}
    model = build_spec(robot, fixed=held).compile()
    data = placed(model, {joint: positions[joint] for joint in arm.joints})
    assert model.nq == len(arm.joints)
    for link, frame in forward_kinematics(robot, positions).items():
        np.testing.assert_allclose(data.body(link).xpos, frame[:3, 3], atol=1e-9)


@pytest.mark.parametrize('name', robot_names())
def test_cameras_look_along_the_z_axis_of_their_optical_frames(name: str) -> None:
    robot = load_robot(name)
    positions = joint_positions(robot, robot.state.home)
    data = placed(build_spec(robot).compile(), positions)
    for camera, pose in camera_poses(robot, forward_kinematics(robot, positions)).items():
        axes = data.cam(camera).xmat.reshape(3, 3)
        np.testing.assert_allclose(data.cam(camera).xpos, pose[:3, 3], atol=1e-9)
        np.testing.assert_allclose(-axes[:, 2], pose[:3, 2], atol=1e-9)
        np.testing.assert_allclose(-axes[:, 1], pose[:3, 1], atol=1e-9)


def test_the_x5_weighs_what_the_vendors_solver_says() -> None:
    robot = load_robot('arx_x5')
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
    model = build_spec(robot).compile()
    model.body_gravcomp[:] = 0.0
    arm = robot.group('left_arm')
    dofs = [model.joint(joint).dofadr[0] for joint in arm.joints]
    rng = np.random.default_rng(2)
    for _ in range(100):
        positions = random_positions(robot, rng)
        data = placed(model, positions)
        joints = np.array([positions[joint] for joint in arm.joints])
        vendor = solver.inverse_dynamics(joints, np.zeros(6), np.zeros(6))
        np.testing.assert_allclose(data.qfrc_bias[dofs], vendor, atol=5e-3)


@pytest.mark.parametrize('name', robot_names())
def test_servos_push_no_harder_than_the_limits(name: str) -> None:
    robot = load_robot(name)
    model = build_spec(robot).compile()
    for joint in robot.moving_joints:
        if joint.servo is not None and joint.limit is not None:
            force = model.actuator(joint.name).forcerange
            assert force.tolist() == [-joint.limit.effort, joint.limit.effort]


@pytest.mark.parametrize('name', robot_names())
def test_nothing_touches_in_the_home_pose(name: str) -> None:
    robot = load_robot(name)
    data = placed(build_spec(robot).compile(), joint_positions(robot, robot.state.home))
    assert data.ncon == 0
