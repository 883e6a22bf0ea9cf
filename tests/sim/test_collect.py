import numpy as np
import pytest

from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.collect import collect
from vla_mbpo_sim.collect import move_targets
from vla_mbpo_sim.collect import run_episode
from vla_mbpo_sim.experts import make_expert
from vla_mbpo_sim.noise import Noise
from vla_mbpo_sim.trajectory import Pictures
from vla_mbpo_sim.twin import Twin

TASK = load_task('pick_cup')


def test_an_episode_is_rows_at_the_record_rate_and_ends_soon_after_success(twin: Twin) -> None:
    expert = make_expert(twin.robot, 'pick_cup', 0)
    pictures = Pictures(cameras=twin.robot.camera_names, size=(64, 64))
    episode = run_episode(
        twin, expert, seed=0, condition='red_cup', pictures=pictures, snapshots=True
    )
    count = len(episode.time_ns)
    assert episode.states.shape == (count, twin.robot.state.width)
    assert episode.actions.shape == (count, twin.robot.action.width)
    assert {name: image.shape for name, image in episode.images.items()} == dict.fromkeys(
        twin.robot.camera_names, (count, 64, 64, 3)
    )
    np.testing.assert_allclose(np.diff(episode.time_ns), 1e9 / 15, atol=1)
    assert episode.succeeded
    assert not episode.success[0]
    assert 7 <= episode.success.sum() <= 10


def test_a_row_holds_the_state_before_and_the_command_after_its_period(twin: Twin) -> None:
    expert = make_expert(twin.robot, 'pick_cup', 0)
    episode = run_episode(twin, expert, seed=0, condition='red_cup', snapshots=True)
    assert episode.snapshots is not None
    twin.reset(0, 'red_cup')
    twin.restore(episode.snapshots[20])
    np.testing.assert_array_equal(twin.state(), episode.states[20])
    np.testing.assert_array_equal(twin.commanded(), episode.actions[19])


def test_an_episode_can_be_repeated(twin: Twin) -> None:
    episodes = [
        run_episode(
            twin, make_expert(twin.robot, 'pick_cup', 4), seed=4, condition='red_cup', noise=noise
        )
        for noise in (Noise(target_std=0.02), Noise(target_std=0.02))
    ]
    np.testing.assert_array_equal(episodes[0].states, episodes[1].states)
    np.testing.assert_array_equal(episodes[0].actions, episodes[1].actions)


def test_a_noisy_expert_misses_sometimes() -> None:
    noise = Noise(target_std=0.025, object_std_m=0.012)
    outcomes = [
        episode.succeeded
        for episode in collect(load_robot('arx_x5'), TASK, episodes=20, noise=noise)
    ]
    assert 4 <= sum(outcomes) <= 19


def test_targets_move_linearly_and_no_faster_than_allowed(twin: Twin) -> None:
    twin.reset(0, 'red_cup')
    home = twin.commanded()
    goal = home.copy()
    goal[0] += 1.0
    goal[1] += 0.03
    move_targets(twin, goal, 1 / 15)
    assert twin.commanded()[0] - home[0] == pytest.approx(1.5 / 15)
    assert twin.commanded()[1] == pytest.approx(goal[1])


def test_an_episode_ends_at_its_time_limit(twin: Twin) -> None:
    expert = make_expert(twin.robot, 'pick_cup', 0)
    episode = run_episode(twin, expert, seed=0, condition='red_cup', time_limit_s=1.0)
    assert len(episode.time_ns) == 15
    assert not episode.succeeded
