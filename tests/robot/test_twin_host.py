"""The twin reports states and frames at their rates, stamped with the time they show."""

from collections import Counter

import numpy as np
import pytest

from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_robot.drivers.robot import RobotState
from vla_mbpo_robot.drivers.twin import TwinHost
from vla_mbpo_robot.drivers.twin import TwinRates
from vla_mbpo_sim.twin import Twin

CAMERA_HZ = 30.0


@pytest.fixture
def host():
    robot = load_robot('arx_x5')
    twin = Twin(robot, load_task('pick_cup'), picture_size=(64, 48))
    rates = TwinRates(
        state_hz=100.0, camera_hz=tuple((name, CAMERA_HZ) for name in robot.camera_names)
    )
    host = TwinHost(twin, rates, speed_factor=1.0)
    host.reset(0, load_task('pick_cup').conditions[0].name)
    yield host
    twin.close()


def play(host: TwinHost, seconds: float) -> list:
    steps = round(seconds / 0.01)
    return [event for i in range(steps + 1) for event in host.advance(100.0 + 0.01 * i)]


def test_states_and_frames_come_at_their_rates(host) -> None:
    events = play(host, 1.0)
    counts = Counter('state' if isinstance(e, RobotState) else e.camera for e in events)
    assert counts['state'] == pytest.approx(100, abs=1)
    assert [counts[name] for name in ('head', 'left_wrist', 'right_wrist')] == pytest.approx(
        [30] * 3, abs=1
    )


def test_every_event_is_stamped_with_the_physics_time_it_shows(host) -> None:
    stamps = [
        e.stamp_ns if isinstance(e, RobotState) else e.frame.capture_ns for e in play(host, 0.5)
    ]
    assert stamps == sorted(stamps)
    assert all(stamp % 2_000_000 == 0 for stamp in stamps)


def test_no_camera_shows_the_same_moment_twice(host) -> None:
    frames = [e for e in play(host, 0.5) if not isinstance(e, RobotState)]
    for camera in ('head', 'left_wrist'):
        captures = [e.frame.capture_ns for e in frames if e.camera == camera]
        assert len(set(captures)) == len(captures)
        np.testing.assert_allclose(np.diff(captures), 1e9 / CAMERA_HZ, atol=2.1e6)


def test_free_running_cameras_do_not_expose_together(host) -> None:
    first = {}
    for event in play(host, 0.2):
        if not isinstance(event, RobotState):
            first.setdefault(event.camera, event.frame.capture_ns)
    assert len(set(first.values())) == 3


def test_a_reset_changes_the_scene_but_not_the_clock(host) -> None:
    play(host, 0.3)
    before_ns, cup = host.time_ns, host.twin.objects()['cup'].xyz_m
    host.reset(1, load_task('pick_cup').conditions[0].name)
    assert host.time_ns == before_ns
    assert host.resets == 2
    assert not np.allclose(host.twin.objects()['cup'].xyz_m, cup)


def test_many_resets_do_not_hold_time_back_behind_whoever_commands(host) -> None:
    """Resets fall between physics steps; what each one lost would add up."""
    condition, home = load_task('pick_cup').conditions[0].name, load_robot('arx_x5').action.home
    wall_s = 100.0
    for seed in range(80):
        host.reset(seed, condition)
        for _ in range(11):
            wall_s += 0.003
            list(host.advance(wall_s))
            host.command(home, host.time_ns, wall_s)
    assert host.time_s() == pytest.approx(wall_s - 100.0, abs=0.05)


def test_a_command_from_before_a_reset_moves_nothing_after_it(host) -> None:
    play(host, 0.1)
    old_ns = host.time_ns - 10_000_000
    host.reset(1, load_task('pick_cup').conditions[0].name)
    home = load_robot('arx_x5').action.home
    host.command(home + 0.01, old_ns, 100.2)
    np.testing.assert_array_equal(host.twin.commanded(), home)
    host.command(home + 0.01, host.time_ns, 100.2)
    np.testing.assert_array_equal(host.twin.commanded(), home + 0.01)


def test_a_base_stands_when_commands_fall_silent() -> None:
    robot = load_robot('galaxea_r1')
    rates = TwinRates(state_hz=100.0, camera_hz=())
    host = TwinHost(Twin(robot, load_task('pick_cup')), rates, speed_factor=1.0)
    host.reset(0, load_task('pick_cup').conditions[0].name)
    target = robot.action.home.copy()
    target[robot.action.slice('base')] = 0.1
    list(host.advance(100.0))
    host.command(target, host.time_ns, 100.0)
    driving = [list(host.advance(100.0 + 0.01 * i)) for i in range(20)]
    assert driving
    np.testing.assert_allclose(host.twin.commanded(), target)
    for i in range(20, 100):
        list(host.advance(100.0 + 0.01 * i))
    sent = host.twin.commanded()
    assert not sent[robot.action.slice('base')].any()
    np.testing.assert_allclose(sent[~robot.action.is_velocity], target[~robot.action.is_velocity])
