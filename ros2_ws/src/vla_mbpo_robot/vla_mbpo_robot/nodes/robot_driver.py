"""Node that owns a robot's hardware: publishes `joint_states`, executes `safe_command`."""

import time
from contextlib import ExitStack

import rclpy
from rclpy.task import Future

from vla_mbpo.robots import load_robot
from vla_mbpo_robot.drivers.robot import RobotDriver
from vla_mbpo_robot.drivers.table import ROBOT_DRIVERS
from vla_mbpo_robot.drivers.table import find
from vla_mbpo_robot.nodes.clocks import control_clock
from vla_mbpo_robot.nodes.joints import JointInterface
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.serials import SerialsPublisher
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import RobotDriverSettings


class RobotDriverProcess:
    """One hardware driver, polled at the state rate."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('robot_driver')
        self.nodes = (node,)
        settings = declare(node, RobotDriverSettings)
        robot = load_robot(settings.robot)
        self._driver: RobotDriver = find('robot driver', ROBOT_DRIVERS, settings.driver)(robot)
        self._joints = JointInterface(
            node,
            robot,
            command=self._driver.command,
            rate_hz=settings.state_rate_hz,
            now_s=time.monotonic,
        )
        with ExitStack() as undo:
            undo.callback(self._driver.stop)
            self._driver.start()
            undo.pop_all()
        self._serials = SerialsPublisher(node, self._driver.serials)
        node.create_timer(1.0 / settings.state_rate_hz, self._on_tick, clock=control_clock(node))

    def close(self) -> None:
        """Bring the robot to its safe state."""
        self._driver.stop()

    def _on_tick(self) -> None:
        self._joints.publish(self._driver.read())


def main(args: list[str] | None = None) -> int:
    """Run the driver of a real robot."""
    return run(RobotDriverProcess, args)
