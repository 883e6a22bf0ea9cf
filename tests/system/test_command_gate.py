"""The gate as a process: it alone speaks on `safe_command`, at its rate, and closes on silence or nonsense."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import state_message

pytestmark = pytest.mark.ros

ROBOT = load_robot('galaxea_r1')
STATE_PERIOD_S = 0.01
REQUEST_PERIOD_S = 0.1


class Rig:
    """Plays robot and teleoperator to a gate process, and collects what it says."""

    def __init__(self) -> None:
        self.node = rclpy.create_node('rig')
        self.commands: list[JointState] = []
        self.gate = GateState()
        self.states = self.node.create_publisher(JointState, topics.JOINT_STATES, qos.STREAM)
        self.requests = self.node.create_publisher(JointState, topics.TELEOP_COMMAND, qos.STREAM)
        self.node.create_subscription(
            JointState, topics.SAFE_COMMAND, self.commands.append, qos.STREAM
        )
        self.node.create_subscription(GateState, topics.GATE_STATE, self._on_gate, qos.LATCHED)
        self.arm_client = self.node.create_client(SetBool, topics.ARM_GATE)

    def _on_gate(self, message: GateState) -> None:
        self.gate = message

    def send_state(self, *, name: list[str] | None = None) -> None:
        home = ROBOT.state.home
        message = state_message(ROBOT.state, home, np.zeros_like(home), np.zeros_like(home), 0)
        message.name = name or message.name
        self.states.publish(message)

    def play(
        self, seconds: float, *, states: bool = True, target: np.ndarray | None = None
    ) -> None:
        """Publish states at 100 Hz and `target` at 10 Hz for a while."""
        start_s = last_s = time.monotonic()
        while time.monotonic() < start_s + seconds:
            if states:
                self.send_state()
            if target is not None and time.monotonic() - last_s > REQUEST_PERIOD_S:
                last_s = time.monotonic()
                self.requests.publish(command_message(ROBOT.action, target, 0))
            deadline_s = time.monotonic() + STATE_PERIOD_S
            while time.monotonic() < deadline_s:
                rclpy.spin_once(self.node, timeout_sec=0.002)

    def arm(self) -> SetBool.Response:
        deadline_s = time.monotonic() + 10.0
        while time.monotonic() < deadline_s:
            future = self.arm_client.call_async(SetBool.Request(data=True))
            while not future.done():
                self.play(0.02)
            if future.result().success:
                break
        return future.result()


@pytest.fixture
def rig():
    rclpy.init()
    code = 'import sys; from vla_mbpo_robot.nodes.command_gate import main; sys.exit(main())'
    process = subprocess.Popen(
        [sys.executable, '-c', code, '--ros-args', '-p', f'robot:={ROBOT.name}']
    )
    rig = Rig()
    rig.process = process
    assert rig.arm_client.wait_for_service(15.0)
    yield rig
    process.terminate()
    assert process.wait(5) == 0
    rig.node.destroy_node()
    rclpy.shutdown()


def moved(target_group: str, offset: float) -> np.ndarray:
    target = ROBOT.action.home.copy()
    target[ROBOT.action.slice(target_group)] += offset
    return target


def test_a_request_reaches_the_robot_at_the_command_rate_through_one_publisher(rig: Rig) -> None:
    assert rig.arm().success
    target = moved('left_arm', 0.05)
    rig.play(1.5, target=target)
    assert rig.gate.state == GateState.RUNNING
    assert rig.node.count_publishers(topics.SAFE_COMMAND) == 1
    np.testing.assert_allclose(layout_vector(ROBOT.action, rig.commands[-1]), target, atol=1e-9)
    rig.commands.clear()
    rig.play(1.0, target=target)
    assert len(rig.commands) >= 0.7 * ROBOT.file.command_rate_hz


def test_a_torso_that_is_not_enabled_is_held_while_the_base_obeys(rig: Rig) -> None:
    assert rig.arm().success
    target = moved('torso', 0.1)
    target[ROBOT.action.slice('base')] = 0.1
    rig.play(1.5, target=target)
    sent = layout_vector(ROBOT.action, rig.commands[-1])
    torso, base = ROBOT.action.slice('torso'), ROBOT.action.slice('base')
    np.testing.assert_allclose(sent[torso], ROBOT.action.home[torso])
    np.testing.assert_allclose(sent[base], 0.1)


def test_a_base_stops_when_requests_or_joint_states_fall_silent(rig: Rig) -> None:
    target = ROBOT.action.home.copy()
    target[ROBOT.action.slice('base')] = 0.1
    assert rig.arm().success
    for silence in ({'target': None}, {'states': False, 'target': target}):
        rig.play(1.0, target=target)
        assert rig.gate.state == GateState.RUNNING
        rig.play(0.6, **silence)
        assert rig.gate.state == GateState.HOLDING
        assert not layout_vector(ROBOT.action, rig.commands[-1])[ROBOT.action.slice('base')].any()


def test_a_joint_state_of_another_robot_is_a_fault_and_silences_the_gate(rig: Rig) -> None:
    assert rig.arm().success
    names = [f'joint{i}' for i in range(ROBOT.state.width)]
    rig.send_state(name=names)
    rig.play(0.5, states=False)
    assert rig.gate.state == GateState.FAULT
    rig.commands.clear()
    rig.play(0.3)
    assert rig.commands == []


def test_a_gate_that_is_ended_stops_the_base_with_its_last_command(rig: Rig) -> None:
    target = ROBOT.action.home.copy()
    target[ROBOT.action.slice('base')] = 0.1
    assert rig.arm().success
    rig.play(1.0, target=target)
    assert rig.gate.state == GateState.RUNNING
    rig.process.send_signal(signal.SIGINT)
    rig.play(0.8, target=target)
    assert rig.gate.state == GateState.DISARMED
    assert not layout_vector(ROBOT.action, rig.commands[-1])[ROBOT.action.slice('base')].any()


def test_arming_is_refused_while_somebody_else_speaks_on_safe_command(rig: Rig) -> None:
    rival = rig.node.create_publisher(JointState, topics.SAFE_COMMAND, qos.STREAM)
    rig.play(0.5)
    future = rig.arm_client.call_async(SetBool.Request(data=True))
    while not future.done():
        rig.play(0.02)
    assert not future.result().success
    assert (
        future.result().message == '/safe_command has 2 publishers; the gate must be the only one'
    )
    rig.node.destroy_publisher(rival)
    assert rig.arm().success
