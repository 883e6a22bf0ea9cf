"""Node of the command gate: the only publisher of `safe_command`."""

import numpy as np
import rclpy
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots.layout import Vector
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import to_stamp
from vla_mbpo_robot.diagnostics import ERROR
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import WARN
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.gate import CommandGate
from vla_mbpo_robot.gate import GateConfig
from vla_mbpo_robot.gate import GateMode
from vla_mbpo_robot.gate import GateOutput
from vla_mbpo_robot.monitor import RateMonitor
from vla_mbpo_robot.nodes.clocks import control_clock
from vla_mbpo_robot.nodes.matching import unheard
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import CommandGateSettings

# How often an unchanged gate state is repeated.
STATE_PERIOD_S = 0.2
_LEVELS = {GateMode.HOLDING: WARN, GateMode.FAULT: ERROR}


class CommandGateProcess:
    """Feeds joint states and teleoperator requests to a `CommandGate`, publishes what it lets through."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('command_gate')
        self.nodes = (node,)
        self._node = node
        self._clock = control_clock(node)
        settings = declare(node, CommandGateSettings)
        self._robot = load_robot(settings.robot)
        self._gate = CommandGate(
            self._robot.action,
            _config(self._robot, settings),
            enabled=self._robot.enabled_dims,
        )
        self._commands = node.create_publisher(JointState, topics.SAFE_COMMAND, qos.STREAM)
        self._states = node.create_publisher(GateState, topics.GATE_STATE, qos.LATCHED)
        node.create_subscription(JointState, topics.JOINT_STATES, self._on_state, qos.COMMAND)
        node.create_subscription(JointState, topics.TELEOP_COMMAND, self._on_request, qos.COMMAND)
        node.create_service(SetBool, topics.ARM_GATE, self._on_arm)
        self._monitor = RateMonitor()
        self._published: tuple[GateMode, str, tuple[str, ...]] | None = None
        self._published_s = -np.inf
        self._diagnostics = Diagnostics(node, hardware_id=self._robot.name)
        self._diagnostics.add('gate', self._health)
        node.create_timer(1.0 / self._robot.file.command_rate_hz, self._on_tick, clock=self._clock)

    def close(self) -> None:
        """Disarm, with a last command that stops; nothing is published after this."""
        self._disarm()

    def _on_state(self, message: JointState) -> None:
        self._gate.on_state(self._vector(message), self._now_s())

    def _on_request(self, message: JointState) -> None:
        self._gate.on_request(self._vector(message), self._now_s())

    def _vector(self, message: JointState) -> Vector:
        """The action dims of a message; empty, which puts the gate into fault, if it is malformed."""
        try:
            return layout_vector(self._robot.action, message)
        except VlaMbpoError as error:
            self._node.get_logger().error(str(error))
            return np.empty(0)

    def _on_arm(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        refusal = ''
        if request.data:
            refusal = self._reason_not_to_arm() or self._gate.arm(self._now_s())
        else:
            self._disarm()
        response.success = not refusal
        response.message = refusal or self._gate.mode.name.lower()
        return response

    def _reason_not_to_arm(self) -> str:
        topic = self._commands.topic_name
        publishers = self._node.count_publishers(topic)
        if publishers > 1:
            return f'{topic} has {publishers} publishers; the gate must be the only one'
        return unheard(self._node, self._commands)

    def _disarm(self) -> None:
        self._gate.disarm()
        self._on_tick()

    def _on_tick(self) -> None:
        now_s = self._now_s()
        output = self._gate.step(now_s)
        stamp_ns = self._node.get_clock().now().nanoseconds
        if output.command is not None:
            self._commands.publish(command_message(self._robot.action, output.command, stamp_ns))
            self._monitor.seen(now_s)
        self._report(output, now_s, stamp_ns)

    def _report(self, output: GateOutput, now_s: float, stamp_ns: int) -> None:
        """Publish the gate's state when it changes, and now and then when it does not."""
        shown = (output.mode, output.reason, output.limited)
        if shown == self._published and now_s - self._published_s < STATE_PERIOD_S:
            return
        message = GateState(
            state=int(output.mode),
            reason=output.reason,
            source='teleop' if output.mode == GateMode.RUNNING else '',
            limited=list(output.limited),
        )
        message.header.stamp = to_stamp(stamp_ns)
        self._states.publish(message)
        self._published, self._published_s = shown, now_s

    def _now_s(self) -> float:
        return float(self._clock.now().nanoseconds / NS_PER_S)

    def _health(self) -> Health:
        mode = self._gate.mode
        return Health(
            level=_LEVELS.get(mode, OK),
            message=f'{mode.name.lower()}: {self._gate.reason}'.rstrip(': '),
            values={
                'command_rate_hz': f'{self._monitor.rate_hz(self._now_s()):.1f}',
                'longest_gap_ms': f'{1e3 * self._monitor.longest_gap_s():.1f}',
            },
        )


def _config(robot: RobotDescription, settings: CommandGateSettings) -> GateConfig:
    return GateConfig(
        request_period_s=1.0 / robot.file.policy_rate_hz,
        state_timeout_s=settings.state_timeout_s,
        request_timeout_s=settings.request_timeout_s,
        start_tolerance=settings.start_tolerance,
        soft_start_rate=settings.soft_start_rate,
        limit_margin=settings.limit_margin,
    )


def main(args: list[str] | None = None) -> int:
    """Run the command gate."""
    return run(CommandGateProcess, args)
