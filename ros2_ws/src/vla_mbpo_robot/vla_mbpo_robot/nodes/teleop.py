"""Node that turns a leader device into requested commands while it is engaged."""

import rclpy
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.robots.layout import Vector
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import named_poses
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.drivers.table import TELEOPERATORS
from vla_mbpo_robot.drivers.table import find
from vla_mbpo_robot.drivers.teleoperator import ObjectPoses
from vla_mbpo_robot.drivers.teleoperator import Teleoperator
from vla_mbpo_robot.drivers.teleoperator import TeleopInput
from vla_mbpo_robot.monitor import RateMonitor
from vla_mbpo_robot.nodes.clocks import control_clock
from vla_mbpo_robot.nodes.matching import unheard
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import TeleopSettings


class TeleopProcess:
    """Reads a leader device at the policy rate; `teleop/engage` starts and stops it."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('teleop')
        self.nodes = (node,)
        self._node = node
        settings = declare(node, TeleopSettings)
        self._robot = load_robot(settings.robot)
        self._device_name = settings.device
        make_device = find('teleoperator', TELEOPERATORS, settings.device)
        self._device: Teleoperator = make_device(self._robot, settings.task, settings.seed)
        self._state: Vector | None = None
        self._objects: ObjectPoses = {}
        self._engaged = False
        self._monitor = RateMonitor()
        self._requests = node.create_publisher(JointState, topics.TELEOP_COMMAND, qos.STREAM)
        node.create_subscription(JointState, topics.JOINT_STATES, self._on_state, qos.COMMAND)
        node.create_subscription(TwinState, topics.TWIN_STATE, self._on_scene, qos.LATCHED)
        node.create_service(SetBool, topics.ENGAGE_TELEOP, self._on_engage)
        self._diagnostics = Diagnostics(node, hardware_id=f'{self._robot.name}/{settings.device}')
        self._diagnostics.add('leader', self._health)
        node.create_timer(
            1.0 / self._robot.file.policy_rate_hz, self._on_tick, clock=control_clock(node)
        )

    def close(self) -> None:
        """Release the leader device."""
        self._device.close()

    def _on_state(self, message: JointState) -> None:
        self._state = layout_vector(self._robot.state, message)

    def _on_scene(self, message: TwinState) -> None:
        self._objects = named_poses(message.object_names, message.object_poses)

    def _on_engage(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success, response.message = True, 'engaged' if request.data else 'released'
        if not request.data:
            self._engaged = False
            return response
        try:
            self._engage()
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
        return response

    def _engage(self) -> None:
        if problem := unheard(self._node, self._requests):
            raise VlaMbpoError(problem)
        self._device.engage(self._input())
        self._engaged = True

    def _on_tick(self) -> None:
        if not self._engaged:
            return
        now = self._input()
        target = self._device.read(now)
        if target is not None:
            time_ns = round(now.time_s * NS_PER_S)
            self._requests.publish(command_message(self._robot.action, target, time_ns))
            self._monitor.seen(now.time_s)

    def _input(self) -> TeleopInput:
        if self._state is None:
            raise VlaMbpoError('teleop has no joint state yet; is the robot driver running?')
        time_s = self._node.get_clock().now().nanoseconds / NS_PER_S
        return TeleopInput(state=self._state, time_s=time_s, objects=self._objects)

    def _health(self) -> Health:
        now_s = self._node.get_clock().now().nanoseconds / NS_PER_S
        word = 'engaged' if self._engaged else 'idle'
        return Health(
            level=OK,
            message=f'{self._device_name}: {word}',
            values={'rate_hz': f'{self._monitor.rate_hz(now_s):.1f}'},
        )


def main(args: list[str] | None = None) -> int:
    """Run the teleoperator."""
    return run(TeleopProcess, args)
