"""`/diagnostics` of a node: one status per checked thing, once a second."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node

from vla_mbpo_robot.topics import DIAGNOSTICS

OK: bytes = DiagnosticStatus.OK
WARN: bytes = DiagnosticStatus.WARN
ERROR: bytes = DiagnosticStatus.ERROR
STALE: bytes = DiagnosticStatus.STALE


@dataclass(frozen=True, kw_only=True)
class Health:
    """What one check found."""

    level: bytes
    message: str
    values: Mapping[str, object] = field(default_factory=dict)


class Diagnostics:
    """Publishes what the added checks return, every second of wall time (also while simulated time stands)."""

    def __init__(self, node: Node, *, hardware_id: str) -> None:
        self._node = node
        self._hardware_id = hardware_id
        self._checks: dict[str, Callable[[], Health]] = {}
        self._publisher = node.create_publisher(DiagnosticArray, DIAGNOSTICS, 10)
        self._timer = node.create_timer(
            1.0, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def add(self, name: str, check: Callable[[], Health]) -> None:
        """Call `check` every second and publish it as '<node>: <name>'."""
        self._checks[name] = check

    def _publish(self) -> None:
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        for name, check in self._checks.items():
            health = check()
            message.status.append(
                DiagnosticStatus(
                    level=health.level,
                    name=f'{self._node.get_fully_qualified_name()[1:]}: {name}',
                    message=health.message,
                    hardware_id=self._hardware_id,
                    values=[KeyValue(key=k, value=str(v)) for k, v in health.values.items()],
                )
            )
        self._publisher.publish(message)


def rate_health(*, rate_hz: float, expected_hz: float, age_s: float) -> Health:
    """Health of a stream: stale without data for a second, a warning below 80 % of its rate."""
    values = {'rate_hz': f'{rate_hz:.1f}', 'expected_hz': f'{expected_hz:.1f}'}
    if age_s > 1.0:
        return Health(level=STALE, message='no data', values=values)
    if rate_hz < 0.8 * expected_hz:
        return Health(level=WARN, message=f'{rate_hz:.1f} Hz is too slow', values=values)
    return Health(level=OK, message=f'{rate_hz:.1f} Hz', values=values)
