"""Which clock a node's timers and freshness checks run on."""

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node


def control_clock(node: Node) -> Clock:
    """Simulated time in the twin, else a steady clock: a step of the system clock must not stop a control loop."""
    if node.get_parameter('use_sim_time').value:
        return node.get_clock()
    return Clock(clock_type=ClockType.STEADY_TIME)
