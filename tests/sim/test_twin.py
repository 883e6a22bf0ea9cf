import numpy as np
import pytest

from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.twin import Twin


def rest(name: str) -> Twin:
    """A twin of robot `name` in its home pose."""
    made = Twin(load_robot(name), load_task('pick_cup'))
    made.reset(0, 'red_cup')
    return made


@pytest.mark.parametrize('name', robot_names())
def test_the_servos_hold_the_home_pose(name: str) -> None:
    twin = rest(name)
    twin.advance(2.0)
    np.testing.assert_allclose(twin.state(), twin.robot.state.home, atol=2e-3)


@pytest.mark.parametrize('name', robot_names())
def test_joints_go_where_they_are_told(name: str) -> None:
    twin = rest(name)
    arm = next(group for group in twin.robot.groups if group.kind == 'arm')
    target = twin.robot.action.home.copy()
    target[twin.robot.action.slice(arm.name)] += 0.1
    twin.command(target)
    twin.advance(2.0)
    np.testing.assert_allclose(twin.state(), target, atol=5e-3)


@pytest.mark.parametrize('name', robot_names())
def test_a_gripper_opens_to_the_metres_it_is_told(name: str) -> None:
    twin = rest(name)
    gripper = next(group for group in twin.robot.groups if group.gripper is not None)
    target = twin.robot.action.home.copy()
    target[twin.robot.action.index(gripper.name)] = 0.03
    twin.command(target)
    twin.advance(1.0)
    opening = twin.state()[twin.robot.state.index(gripper.name)]
    fingers = [twin.data.joint(joint).qpos[0] for joint in gripper.joints]
    assert opening == pytest.approx(0.03, abs=5e-4)
    assert fingers == pytest.approx([0.015, 0.015], abs=3e-4)


def test_the_base_drives_along_its_own_axes() -> None:
    twin = rest('galaxea_r1')
    base = twin.robot.action.slice('base')
    turn, ahead = twin.robot.action.home.copy(), twin.robot.action.home.copy()
    turn[base] = [0.0, 0.0, 0.4]
    ahead[base] = [0.2, 0.0, 0.0]
    twin.command(turn)
    twin.advance(2.0)
    yaw = twin.joints().position[twin.robot.state.slice('base')][2]
    assert yaw == pytest.approx(0.8, abs=0.02)
    twin.command(ahead)
    twin.advance(1.0)
    measured = twin.state()[twin.robot.state.slice('base')]
    x, y, _ = twin.joints().position[twin.robot.state.slice('base')]
    np.testing.assert_allclose(measured, [0.2, 0.0, 0.0], atol=0.01)
    assert np.arctan2(y, x) == pytest.approx(yaw, abs=0.05)
    twin.command(twin.robot.action.home)
    twin.advance(0.5)
    np.testing.assert_allclose(twin.state()[twin.robot.state.slice('base')], 0.0, atol=1e-3)


def test_the_same_seed_gives_the_same_bits() -> None:
    first, second = rest('arx_x5'), rest('arx_x5')
    second.reset(7, 'blue_cup')
    second.advance(0.3)
    second.reset(0, 'red_cup')
    for twin in (first, second):
        twin.command(twin.robot.action.home + 0.05)
        twin.advance(0.5)
    assert first.snapshot().tobytes() == second.snapshot().tobytes()
    for camera in first.robot.camera_names:
        pictures = [twin.render(camera, (64, 64)) for twin in (first, second)]
        assert pictures[0].tobytes() == pictures[1].tobytes()
    first.close()
    second.close()


def test_other_seeds_put_the_cup_elsewhere(twin: Twin) -> None:
    places = set()
    for seed in range(5):
        twin.reset(seed, 'red_cup')
        places.add(twin.objects()['cup'].xyz_m)
    assert len(places) == 5


def test_a_restored_snapshot_has_the_same_future(twin: Twin) -> None:
    twin.reset(1, 'red_cup')
    twin.command(twin.robot.action.home + 0.1)
    twin.advance(0.2)
    start = twin.snapshot()
    twin.advance(0.2)
    future = twin.snapshot()
    twin.command(twin.robot.action.home)
    twin.advance(0.3)
    twin.restore(start)
    assert twin.snapshot().tobytes() == start.tobytes()
    twin.advance(0.2)
    assert twin.snapshot().tobytes() == future.tobytes()


def test_time_passes_in_whole_steps_and_never_goes_back(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    start_ns = twin.time_ns
    for _ in range(15):
        twin.advance(1 / 15)
    assert twin.time_ns - start_ns == 1_000_000_000
    twin.reset(0, 'red_cup')
    assert twin.time_ns - start_ns == 1_000_000_000


def test_a_command_that_is_not_finite_is_refused_by_name(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    before = twin.commanded()
    action = twin.robot.action.home.copy()
    action[2] = np.nan
    with pytest.raises(VlaMbpoError, match='left_joint3'):
        twin.command(action)
    np.testing.assert_array_equal(twin.commanded(), before)


def test_a_command_of_another_width_is_refused(twin: Twin) -> None:
    with pytest.raises(ShapeError, match=r'action: expected shape \(14,\), got \(13,\)'):
        twin.command(np.zeros(13))


def test_an_unknown_condition_is_refused(twin: Twin) -> None:
    with pytest.raises(UnknownNameError, match=r'red_cop.*Did you mean .red_cup'):
        twin.reset(0, 'red_cop')


def test_a_task_without_a_scene_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'unknown scene .fold_towel.*pick_cup'):
        Twin(load_robot('arx_x5'), load_task('fold_towel'))
