import numpy as np
import pytest

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.collect import collect
from vla_mbpo_sim.experts import UnreachableError
from vla_mbpo_sim.experts import make_expert
from vla_mbpo_sim.experts.arm import gripper_of
from vla_mbpo_sim.experts.motion import Segment
from vla_mbpo_sim.experts.motion import timed
from vla_mbpo_sim.scenes import ObjectPose

TASK = load_task('pick_cup')
ROBOTS = TASK.robots
UPRIGHT = (0.0, 0.0, 0.0, 1.0)


def cup_at(x: float, y: float, z: float) -> dict[str, ObjectPose]:
    return {'cup': ObjectPose(xyz_m=(x, y, z), quaternion_xyzw=UPRIGHT)}


@pytest.mark.parametrize('name', ROBOTS)
def test_the_expert_picks_the_cup_up_in_9_of_10_seeds(name: str) -> None:
    episodes = list(collect(load_robot(name), TASK, episodes=10))
    assert sum(episode.succeeded for episode in episodes) >= 9
    for episode in episodes:
        assert 3.0 < episode.time_ns[-1] / 1e9 < TASK.time_limit_s


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize('name', ROBOTS)
def test_the_expert_picks_the_cup_up_in_90_of_100_seeds(name: str) -> None:
    episodes = collect(load_robot(name), TASK, episodes=100)
    assert sum(episode.succeeded for episode in episodes) >= 90


@pytest.mark.parametrize('name', ROBOTS)
def test_targets_keep_the_operating_limits(name: str) -> None:
    robot = load_robot(name)
    for episode in collect(robot, TASK, episodes=3):
        rates = np.abs(np.diff(episode.actions, axis=0)) * robot.file.record_rate_hz
        assert (rates <= 0.8 * robot.action.max_rate).all()
        assert (episode.actions >= robot.action.lower).all()
        assert (episode.actions <= robot.action.upper).all()


@pytest.mark.parametrize('name', ROBOTS)
def test_the_other_arm_and_the_body_stay_where_they_are(name: str) -> None:
    robot = load_robot(name)
    for episode in collect(robot, TASK, episodes=3):
        moved = np.ptp(episode.actions, axis=0) > 1e-9
        groups = {dim.group for dim, moves in zip(robot.action, moved, strict=True) if moves}
        assert groups in ({'left_arm', 'left_gripper'}, {'right_arm', 'right_gripper'})


def test_the_nearest_arm_takes_the_cup() -> None:
    robot = load_robot('arx_x5')
    for side, y in (('left', 0.15), ('right', -0.15)):
        expert = make_expert(robot, 'pick_cup', 0)
        expert.reset(robot.state.home, cup_at(0.38, y, 0.04), 0.0)
        first, later = (expert.act(robot.state.home, time_s) for time_s in (0.0, 0.3))
        changed = np.flatnonzero(first != later)
        assert {robot.action.dims[i].group for i in changed} == {f'{side}_arm'}


def test_the_plan_waits_for_an_arm_that_is_held_back() -> None:
    robot = load_robot('arx_x5')
    expert = make_expert(robot, 'pick_cup', 0)
    expert.reset(robot.state.home, cup_at(0.38, 0.15, 0.04), 0.0)
    for step in range(400):
        target = expert.act(robot.state.home, step / 15)
    assert not expert.is_done(400 / 15)
    assert 0.29 < np.abs(target - robot.state.home).max() < 0.5


def test_two_experts_of_a_seed_do_the_same_and_others_do_not() -> None:
    robot = load_robot('galaxea_r1')
    targets = []
    for seed in (0, 0, 1):
        expert = make_expert(robot, 'pick_cup', seed)
        expert.reset(robot.state.home, cup_at(0.64, 0.15, 0.79), 2.0)
        expert.act(robot.state.home, 2.0)
        targets.append(expert.act(robot.state.home, 2.5))
    np.testing.assert_array_equal(targets[0], targets[1])
    assert np.abs(targets[0] - targets[2]).max() > 1e-4


def test_a_cup_out_of_reach_is_refused_with_its_place() -> None:
    robot = load_robot('arx_x5')
    with pytest.raises(UnreachableError, match=r'arx_x5: no arm can take the cup at \(2\.000'):
        make_expert(robot, 'pick_cup', 0).reset(robot.state.home, cup_at(2.0, 0.0, 0.04), 0.0)


def test_an_expert_without_a_plan_says_so() -> None:
    robot = load_robot('arx_x5')
    with pytest.raises(VlaMbpoError, match='call `reset` before'):
        make_expert(robot, 'pick_cup', 0).act(robot.state.home, 0.0)


def test_a_task_without_an_expert_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r'fold_towel.*known: pick_cup'):
        make_expert(load_robot('arx_x5'), 'fold_towel', 0)


@pytest.mark.parametrize('name', ROBOTS)
def test_each_arm_has_its_own_gripper(name: str) -> None:
    robot = load_robot(name)
    for side in ('left', 'right'):
        assert gripper_of(robot, robot.group(f'{side}_arm')).name == f'{side}_gripper'


def test_a_timed_motion_keeps_rates_and_accelerations_and_ends_at_rest() -> None:
    layout = load_robot('arx_x5').action
    points = np.tile(layout.home, (2, 1))
    points[1, 1] += 1.0
    motion = timed([Segment(points=points)], layout, 0.5)
    rates = np.diff(motion.targets, axis=0) / 0.01
    changes = np.diff(rates, axis=0) / 0.01
    assert 0.45 * 1.5 < np.abs(rates).max() <= 0.5 * 1.5 + 1e-9
    assert np.abs(changes).max() <= 0.5 * 8.0 * 1.02
    np.testing.assert_array_equal(motion.at(100.0), points[1])
