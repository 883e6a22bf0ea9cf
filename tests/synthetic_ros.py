"""The synthetic robot as a ROS node: publishes its events when they are due."""

import time
from collections.abc import Sequence

import numpy as np
import rclpy
from episode_samples import burned
from rclpy.node import Node
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState
from synthetic_robot import ACTION_OFFSET
from synthetic_robot import Event

from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import frame_metadata_message
from vla_mbpo_robot.conversions import image_message
from vla_mbpo_robot.conversions import state_message
from vla_mbpo_robot.drivers.camera import Frame

WAIT_S = 20.0


class SyntheticRobot:
    """Publishers of all streams that a recorder needs, on one node; time 0 is `start_ns` on the host's clock."""

    def __init__(self, node: Node, robot: RobotDescription) -> None:
        self._node = node
        self._robot = robot
        self.start_ns = 0
        self._frames = {
            name: node.create_publisher(Image, topics.image(name), qos.IMAGE)
            for name in robot.camera_names
        }
        self._metadata = {
            name: node.create_publisher(FrameMetadata, topics.frame_metadata(name), qos.STREAM)
            for name in robot.camera_names
        }
        self._joints = {
            kind: node.create_publisher(JointState, topic, qos.STREAM)
            for kind, topic in (
                ('state', topics.JOINT_STATES),
                ('sent', topics.SAFE_COMMAND),
                ('requested', topics.TELEOP_COMMAND),
            )
        }

    def wait_for_listeners(self) -> None:
        """Return once somebody listens to every topic."""
        publishers = (*self._frames.values(), *self._metadata.values(), *self._joints.values())
        deadline_s = time.monotonic() + WAIT_S
        while not all(publisher.get_subscription_count() for publisher in publishers):
            assert time.monotonic() < deadline_s, f'no listener after {WAIT_S} s'
            time.sleep(0.05)

    def play(self, events: Sequence[Event]) -> None:
        """Publish `events` in real time; time 0 is `start_ns`."""
        for event in events:
            time.sleep(max(self.start_ns / 1e9 + event.arrival_s - time.time(), 0.0))
            self._publish(event)

    def _publish(self, event: Event) -> None:
        stamp_ns = self.start_ns + round(event.stamp_s * 1e9)
        if event.kind == 'frame':
            self._publish_frame(event, stamp_ns)
            return
        layout = self._robot.state if event.kind == 'state' else self._robot.action
        vector = np.full(layout.width, event.true_s)
        if event.kind == 'state':
            message = state_message(layout, vector, vector, vector, stamp_ns)
        else:
            message = command_message(layout, vector + ACTION_OFFSET, stamp_ns)
        self._joints[event.kind].publish(message)

    def _publish_frame(self, event: Event, stamp_ns: int) -> None:
        camera = self._robot.camera(event.camera)
        frame = Frame(
            image=picture(event.shown, camera.height, camera.width),
            capture_ns=stamp_ns,
            frame_number=event.number,
            domain=ClockDomain.GLOBAL,
        )
        self._metadata[event.camera].publish(frame_metadata_message(frame, camera.optical_frame))
        self._frames[event.camera].publish(
            image_message(frame.image, camera.optical_frame, stamp_ns)
        )


def picture(number: int, height: int, width: int) -> np.ndarray:
    """The blocks of `burned` at full size, with a texture that gives the encoder something to do."""
    blocks = burned(number).repeat(height // 48, axis=0).repeat(width // 64, axis=1)
    return np.asarray(blocks + _texture(height, width), np.uint8)


_TEXTURES: dict[tuple[int, int], np.ndarray] = {}


def _texture(height: int, width: int) -> np.ndarray:
    if (height, width) not in _TEXTURES:
        coarse = np.random.default_rng(0).integers(0, 25, (height // 8, width // 8, 3), np.uint8)
        _TEXTURES[height, width] = coarse.repeat(8, axis=0).repeat(8, axis=1)
    return _TEXTURES[height, width]


def call(node: Node, client: rclpy.client.Client, request: object, *, timeout_s: float = WAIT_S):
    """The answer of a service."""
    assert client.wait_for_service(timeout_s)
    future = client.call_async(request)
    deadline_s = time.monotonic() + timeout_s
    while not future.done() and time.monotonic() < deadline_s:
        rclpy.spin_once(node, timeout_sec=0.05)
    assert future.done(), 'no answer'
    return future.result()


def play(robot_name: str, start_ns: int, events: Sequence[Event]) -> None:
    """Publish `events` from this process, a child: its middleware reads the environment that it was started in."""
    rclpy.init()
    node = rclpy.create_node('synthetic_robot')
    synthetic = SyntheticRobot(node, load_robot(robot_name))
    synthetic.start_ns = start_ns
    synthetic.wait_for_listeners()
    synthetic.play(events)
    time.sleep(0.5)
    node.destroy_node()
    rclpy.shutdown()
