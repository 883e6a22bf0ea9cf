"""Publishes measured joint states and hands safe commands to whoever moves the robot."""

from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import JointState

from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots.layout import Vector
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import state_message
from vla_mbpo_robot.conversions import to_ns
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.diagnostics import rate_health
from vla_mbpo_robot.drivers.robot import RobotState
from vla_mbpo_robot.monitor import RateMonitor


class JointInterface:
    """`joint_states` out, `safe_command` in, for one robot."""

    def __init__(
        self,
        node: Node,
        robot: RobotDescription,
        *,
        command: Callable[[Vector, int], None],
        rate_hz: float,
        now_s: Callable[[], float],
    ) -> None:
        """`command` takes safe commands [A] and their stamps in ns; `now_s` is the clock that `rate_hz` refers to."""
        self._robot = robot
        self._command = command
        self._now_s = now_s
        self._rate_hz = rate_hz
        self._states = node.create_publisher(JointState, topics.JOINT_STATES, qos.STREAM)
        node.create_subscription(JointState, topics.SAFE_COMMAND, self._on_command, qos.COMMAND)
        self._reported = RateMonitor()
        self._commanded = RateMonitor()
        self._diagnostics = Diagnostics(node, hardware_id=robot.name)
        self._diagnostics.add('joint states', self._state_health)
        self._diagnostics.add('commands', self._command_health)

    def publish(self, state: RobotState) -> None:
        """Send one measured state."""
        self._states.publish(
            state_message(
                self._robot.state, state.position, state.velocity, state.effort, state.stamp_ns
            )
        )
        self._reported.seen(self._now_s())

    def _on_command(self, message: JointState) -> None:
        target = layout_vector(self._robot.action, message)
        self._command(target, to_ns(message.header.stamp))
        self._commanded.seen(self._now_s())

    def _state_health(self) -> Health:
        now_s = self._now_s()
        return rate_health(
            rate_hz=self._reported.rate_hz(now_s),
            expected_hz=self._rate_hz,
            age_s=self._reported.age_s(now_s),
        )

    def _command_health(self) -> Health:
        rate_hz = self._commanded.rate_hz(self._now_s())
        return Health(
            level=OK, message=f'{rate_hz:.1f} Hz', values={'total': self._commanded.total}
        )
