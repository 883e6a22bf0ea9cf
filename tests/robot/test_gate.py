"""The command gate fails closed: nothing reaches the robot that is stale, too fast or out of limits."""

import numpy as np
import pytest

from vla_mbpo.robots import Dim
from vla_mbpo.robots import Layout
from vla_mbpo_robot.gate import CommandGate
from vla_mbpo_robot.gate import GateConfig
from vla_mbpo_robot.gate import GateMode

PERIOD_S = 0.1
TICK_S = 0.01


def dim(name: str, mode: str = 'position') -> Dim:
    is_velocity = mode == 'velocity'
    return Dim(
        name=name,
        group='base' if is_velocity else 'arm',
        unit='m/s' if is_velocity else 'rad',
        mode=mode,
        lower=-0.3 if is_velocity else -1.0,
        upper=0.3 if is_velocity else 1.0,
        max_rate=10.0 if is_velocity else 2.0,
        max_rate_change=10.0,
        home=0.0,
    )


LAYOUT = Layout((dim('a'), dim('b'), dim('v', 'velocity')))


def make_gate(**changes) -> CommandGate:
    values = {
        'request_period_s': PERIOD_S,
        'state_timeout_s': 0.1,
        'request_timeout_s': 0.25,
        'start_tolerance': 0.3,
        'soft_start_rate': 0.5,
        'limit_margin': 0.0,
    }
    return CommandGate(LAYOUT, GateConfig(**(values | changes)))


def armed(gate: CommandGate, now_s: float = 0.0, state=(0.0, 0.0, 0.0)) -> CommandGate:
    gate.on_state(np.array(state), now_s)
    assert gate.arm(now_s) == ''
    return gate


def play(gate: CommandGate, start_s: float, ticks: int) -> list:
    outputs = []
    for i in range(1, ticks + 1):
        now_s = start_s + i * TICK_S
        gate.on_state(np.zeros(3), now_s)
        outputs.append(gate.step(now_s))
    return outputs


def test_a_disarmed_gate_sends_nothing_and_ignores_requests() -> None:
    gate = make_gate()
    gate.on_state(np.zeros(3), 0.0)
    gate.on_request(np.array([0.1, 0.1, 0.1]), 0.0)
    output = gate.step(0.01)
    assert output.command is None
    assert output.mode == GateMode.DISARMED


def test_arming_is_refused_without_a_fresh_joint_state() -> None:
    gate = make_gate()
    assert 'no joint state' in gate.arm(0.0)
    gate.on_state(np.zeros(3), 0.0)
    assert 'no joint state' in gate.arm(0.5)
    assert gate.mode == GateMode.DISARMED


def test_an_armed_gate_holds_the_pose_it_was_armed_in_with_the_base_at_rest() -> None:
    gate = armed(make_gate(), state=(0.4, -0.2, 0.25))
    output = gate.step(0.01)
    assert output.mode == GateMode.ARMED
    np.testing.assert_array_equal(output.command, [0.4, -0.2, 0.0])


def test_a_request_is_reached_one_period_later_along_a_straight_line() -> None:
    gate = armed(make_gate())
    gate.on_request(np.array([0.1, -0.05, 0.2]), 0.0)
    commands = np.array([output.command for output in play(gate, 0.0, 10)])
    np.testing.assert_allclose(commands[:, 0], np.linspace(0.01, 0.1, 10), atol=1e-12)
    np.testing.assert_allclose(commands[-1], [0.1, -0.05, 0.2], atol=1e-12)


def test_no_dim_ever_moves_faster_than_its_rate_limit() -> None:
    gate = armed(make_gate(start_tolerance=10.0))
    gate.on_request(np.array([0.9, 0.0, 0.0]), 0.0)
    outputs = play(gate, 0.0, 20)
    commands = np.array([output.command for output in outputs])
    steps = np.diff(np.vstack([np.zeros(3), commands])[:, 0])
    assert steps.max() <= 2.0 * TICK_S + 1e-12
    assert outputs[0].limited == ('a: rate',)


def test_a_request_beyond_the_position_limits_is_clipped_and_named() -> None:
    gate = armed(make_gate(start_tolerance=10.0, request_timeout_s=5.0))
    gate.on_request(np.array([0.0, 3.0, 0.9]), 0.0)
    last = play(gate, 0.0, 100)[-1]
    np.testing.assert_allclose(last.command, [0.0, 1.0, 0.3])
    assert last.limited == ('b: position', 'v: position')


def test_a_margin_keeps_joints_away_from_their_limits() -> None:
    gate = armed(make_gate(start_tolerance=10.0, limit_margin=0.05, request_timeout_s=5.0))
    gate.on_request(np.array([2.0, 0.0, 0.0]), 0.0)
    assert play(gate, 0.0, 100)[-1].command[0] == pytest.approx(0.95)


def test_a_far_first_request_is_approached_at_the_soft_start_rate() -> None:
    gate = armed(make_gate(request_timeout_s=5.0))
    gate.on_request(np.array([0.8, 0.0, 0.0]), 0.0)
    commands = np.array([output.command for output in play(gate, 0.0, 200)])
    far = commands[commands[:, 0] < 0.8 - 0.1 * 0.3, 0]
    assert len(far) > 100
    assert np.diff(far).max() <= 0.5 * TICK_S + 1e-12
    assert commands[-1, 0] == pytest.approx(0.8)


def test_a_later_request_is_not_slowed_once_the_soft_start_is_over() -> None:
    gate = armed(make_gate(request_timeout_s=5.0))
    gate.on_request(np.array([0.5, 0.0, 0.0]), 0.0)
    before = play(gate, 0.0, 150)[-1].command[0]
    gate.on_request(np.array([0.6, 0.0, 0.0]), 1.5)
    after = play(gate, 1.5, 10)[-1].command[0]
    assert before == pytest.approx(0.5)
    assert after == pytest.approx(0.6)


def test_a_request_that_grows_old_is_held_with_the_base_stopped_at_once() -> None:
    gate = armed(make_gate())
    gate.on_request(np.array([0.1, 0.0, 0.2]), 0.0)
    last = play(gate, 0.0, 30)[-1]
    assert last.mode == GateMode.HOLDING
    assert 'request is 0.' in last.reason
    np.testing.assert_allclose(last.command, [0.1, 0.0, 0.0])


def test_a_fresh_request_after_holding_is_followed_again() -> None:
    gate = armed(make_gate())
    gate.on_request(np.array([0.1, 0.0, 0.0]), 0.0)
    play(gate, 0.0, 30)
    gate.on_request(np.array([0.15, 0.0, 0.0]), 0.3)
    last = play(gate, 0.3, 10)[-1]
    assert last.mode == GateMode.RUNNING
    assert last.command[0] == pytest.approx(0.15)


def test_a_silent_robot_is_held_not_led() -> None:
    gate = armed(make_gate())
    gate.on_request(np.array([0.1, 0.0, 0.2]), 0.15)
    output = gate.step(0.2)
    assert output.mode == GateMode.HOLDING
    assert 'joint state is 0.20 s old' in output.reason
    np.testing.assert_array_equal(output.command, [0.0, 0.0, 0.0])


@pytest.mark.parametrize('target', [np.array([np.nan, 0.0, 0.0]), np.zeros(2), np.empty(0)])
def test_a_malformed_request_is_a_fault_that_only_disarming_clears(target: np.ndarray) -> None:
    gate = armed(make_gate())
    gate.on_request(target, 0.0)
    gate.step(0.005)
    assert gate.step(0.01).command is None
    assert gate.mode == GateMode.FAULT
    assert 'disarm first' in gate.arm(0.01)
    gate.disarm()
    assert gate.arm(0.01) == ''


def test_a_non_finite_joint_state_is_a_fault() -> None:
    gate = armed(make_gate())
    gate.on_state(np.array([np.inf, 0.0, 0.0]), 0.0)
    assert gate.mode == GateMode.FAULT
    assert 'finite' in gate.reason


@pytest.mark.parametrize('silence', ['fault', 'disarm'])
def test_the_last_command_before_silence_stops_the_base_and_moves_nothing_else(
    silence: str,
) -> None:
    gate = armed(make_gate())
    gate.on_request(np.array([0.1, 0.0, 0.2]), 0.0)
    play(gate, 0.0, 10)
    if silence == 'fault':
        gate.on_request(np.array([np.nan, 0.0, 0.0]), 0.1)
    else:
        gate.disarm()
    first, second = play(gate, 0.1, 2)
    np.testing.assert_allclose(first.command, [0.1, 0.0, 0.0])
    assert second.command is None


def test_a_clock_that_is_set_back_makes_no_old_request_look_fresh() -> None:
    gate = armed(make_gate(), now_s=1000.0)
    gate.on_request(np.array([0.1, 0.0, 0.2]), 1000.0)
    play(gate, 1000.0, 5)
    outputs = play(gate, 0.0, 100)
    assert {output.mode for output in outputs} == {GateMode.HOLDING}
    assert all(output.command[2] == 0.0 for output in outputs)
    gate.on_request(np.array([0.1, 0.0, 0.0]), 1.0)
    assert play(gate, 1.0, 10)[-1].mode == GateMode.RUNNING


def test_a_stall_is_not_made_up_for_in_one_jump() -> None:
    gate = armed(make_gate(start_tolerance=10.0, state_timeout_s=1.0, request_timeout_s=1.0))
    gate.on_request(np.array([0.9, 0.0, 0.0]), 0.0)
    before = gate.step(0.01).command[0]
    after = gate.step(0.8).command[0]
    assert after - before <= 2.0 * PERIOD_S + 1e-12


def test_a_joint_that_was_armed_outside_its_limits_is_brought_in_slowly() -> None:
    gate = armed(make_gate(), state=(1.2, 0.0, 0.0))
    outputs = play(gate, 0.0, 60)
    commands = np.array([output.command[0] for output in outputs])
    assert np.abs(np.diff([1.2, *commands])).max() <= 0.5 * TICK_S + 1e-12
    assert commands[-1] == pytest.approx(1.0)
    assert outputs[0].limited == ('a: position, rate',)


def test_a_soft_start_ends_at_the_limit_where_the_request_lies_beyond_it() -> None:
    gate = armed(make_gate(request_timeout_s=5.0))
    gate.on_request(np.array([3.0, 0.0, 0.0]), 0.0)
    assert play(gate, 0.0, 250)[-1].command[0] == pytest.approx(1.0)
    gate.on_request(np.array([0.0, 0.0, 0.0]), 2.5)
    assert play(gate, 2.5, 10)[-1].command[0] == pytest.approx(1.0 - 10 * 2.0 * TICK_S)


def test_a_robot_that_moved_while_it_was_silent_is_a_fault() -> None:
    gate = armed(make_gate())
    play(gate, 0.0, 5)
    gate.step(0.5)
    gate.on_state(np.array([0.1, 0.0, 0.0]), 0.51)
    assert gate.mode == GateMode.HOLDING
    gate.step(1.0)
    gate.on_state(np.array([0.5, 0.0, 0.0]), 1.01)
    assert gate.mode == GateMode.FAULT
    assert '0.50 rad or m from what was sent' in gate.reason


def test_dims_that_are_not_enabled_stay_where_they_were_armed() -> None:
    config = GateConfig(
        request_period_s=PERIOD_S,
        state_timeout_s=0.1,
        request_timeout_s=0.25,
        start_tolerance=0.3,
        soft_start_rate=0.5,
        limit_margin=0.0,
    )
    gate = armed(
        CommandGate(LAYOUT, config, enabled=np.array([True, False, True])), state=(0, 0.2, 0)
    )
    gate.on_request(np.array([0.1, 0.0, 0.1]), 0.0)
    last = play(gate, 0.0, 10)[-1]
    np.testing.assert_allclose(last.command, [0.1, 0.2, 0.1])
