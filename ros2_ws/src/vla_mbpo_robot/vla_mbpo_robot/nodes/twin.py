"""Process of the simulated robot: `robot_driver`, one node per camera, the scene and `/clock`."""

import time
from typing import TYPE_CHECKING

import rclpy
from geometry_msgs.msg import Pose
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from rosgraph_msgs.msg import Clock as ClockMessage

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots.layout import Vector
from vla_mbpo.tasks import TaskSpec
from vla_mbpo.tasks import load_task
from vla_mbpo.tasks.spec import check_robot
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_msgs.srv import ResetScene
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.bringup.specs import camera_node
from vla_mbpo_robot.conversions import pose_message
from vla_mbpo_robot.conversions import to_stamp
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.drivers.robot import RobotState
from vla_mbpo_robot.drivers.twin import SERIALS
from vla_mbpo_robot.drivers.twin import TwinHost
from vla_mbpo_robot.drivers.twin import TwinRates
from vla_mbpo_robot.nodes.images import ImagePublisher
from vla_mbpo_robot.nodes.joints import JointInterface
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.serials import SerialsPublisher
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import TwinSettings
from vla_mbpo_sim.gl import use_offscreen_gl

if TYPE_CHECKING:
    from vla_mbpo_sim.twin import Twin

TICK_S = 0.002
STATE_PERIOD_S = 0.1


class TwinProcess:
    """Hosts one simulation; its nodes speak the interfaces of the real robot."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('twin')
        settings = declare(node, TwinSettings)
        robot, task = load_robot(settings.robot), load_task(settings.task)
        check_robot(task, robot.name)
        self._node = node
        self._task = task
        self._condition = settings.condition or task.conditions_of('seen')[0].name
        self._seed = settings.seed
        self._host = TwinHost(
            _make_twin(robot, task), _rates(robot, settings), speed_factor=settings.speed_factor
        )
        self._host.reset(self._seed, self._condition)
        driver_node = _part('robot_driver', node)
        cameras = {name: _part(camera_node(name), node) for name in robot.camera_names}
        self.nodes = (node, driver_node, *cameras.values())
        self._joints = JointInterface(
            driver_node,
            robot,
            command=self._on_command,
            rate_hz=settings.state_rate_hz,
            now_s=self._host.time_s,
        )
        self._images = {
            name: ImagePublisher(
                part,
                robot,
                name,
                rate_hz=_camera_rate(robot, name, settings),
                now_s=self._host.time_s,
            )
            for name, part in cameras.items()
        }
        self._clock = node.create_publisher(ClockMessage, topics.CLOCK, qos.CLOCK)
        self._scene = node.create_publisher(TwinState, topics.TWIN_STATE, qos.LATCHED)
        self._serials = SerialsPublisher(node, SERIALS)
        node.create_service(ResetScene, topics.RESET_SCENE, self._on_reset)
        self._diagnostics = Diagnostics(node, hardware_id=robot.name)
        self._diagnostics.add('simulation', self._health)
        self._published_ns = -1
        self._timer = node.create_timer(
            TICK_S, self._on_tick, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def close(self) -> None:
        """Free the renderer."""
        self._host.twin.close()

    def _on_command(self, target: Vector, stamp_ns: int) -> None:
        self._host.command(target, stamp_ns, time.monotonic())

    def _on_tick(self) -> None:
        for event in self._host.advance(time.monotonic()):
            if isinstance(event, RobotState):
                self._clock.publish(ClockMessage(clock=to_stamp(event.stamp_ns)))
                self._joints.publish(event)
            else:
                self._images[event.camera].publish(event.frame)
        if self._host.time_ns - self._published_ns >= STATE_PERIOD_S * 1e9:
            self._publish_scene()

    def _publish_scene(self) -> None:
        objects = self._host.twin.objects()
        poses: list[Pose] = [
            pose_message(pose.xyz_m, pose.quaternion_xyzw) for pose in objects.values()
        ]
        message = TwinState(
            task=self._task.name,
            condition=self._condition,
            seed=self._seed,
            resets=self._host.resets,
            success=self._host.twin.success(),
            real_time_factor=self._host.real_time_factor(time.monotonic()),
            object_names=list(objects),
            object_poses=poses,
        )
        message.header.stamp = to_stamp(self._host.time_ns)
        self._scene.publish(message)
        self._published_ns = self._host.time_ns

    def _health(self) -> Health:
        factor = self._host.real_time_factor(time.monotonic())
        values = {'real_time_factor': f'{factor:.2f}', 'resets': self._host.resets}
        return Health(level=OK, message=f'{factor:.2f} times real time', values=values)

    def _on_reset(
        self, request: ResetScene.Request, response: ResetScene.Response
    ) -> ResetScene.Response:
        try:
            condition = request.condition or self._condition
            self._host.reset(request.seed, condition)
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        self._seed, self._condition = request.seed, condition
        self._publish_scene()
        response.success, response.resets = True, self._host.resets
        response.message = f'scene {self._seed} under condition {self._condition}'
        return response


def _make_twin(robot: RobotDescription, task: TaskSpec) -> 'Twin':
    # mujoco itself cannot be imported when MUJOCO_GL names a library that is not there.
    use_offscreen_gl()
    from vla_mbpo_sim.twin import Twin

    return Twin(robot, task)


def _part(name: str, parent: Node) -> Node:
    """Node of this process beside `parent`, not renamed by the process's own `__node` remapping."""
    return rclpy.create_node(
        name,
        namespace=parent.get_namespace(),
        use_global_arguments=False,
        parameter_overrides=[Parameter('use_sim_time', value=False)],
    )


def _camera_rate(robot: RobotDescription, camera: str, settings: TwinSettings) -> float:
    return settings.camera_rate_hz or robot.camera(camera).rate_hz


def _rates(robot: RobotDescription, settings: TwinSettings) -> TwinRates:
    return TwinRates(
        state_hz=settings.state_rate_hz,
        camera_hz=tuple((name, _camera_rate(robot, name, settings)) for name in robot.camera_names),
    )


def main(args: list[str] | None = None) -> int:
    """Run the twin."""
    return run(TwinProcess, args)
