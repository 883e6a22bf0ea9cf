"""Child of record.py: publishes what a robot with three cameras does. Arguments: seconds, rate of the cameras in Hz."""

import heapq
import sys
import time
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress

import _episodes
import numpy as np
import rclpy
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import frame_metadata_message
from vla_mbpo_robot.conversions import image_message
from vla_mbpo_robot.conversions import state_message
from vla_mbpo_robot.conversions import to_stamp
from vla_mbpo_robot.drivers.camera import Frame

PICTURES = 30


def ticks(rates_hz: Sequence[float], seconds: float) -> Iterator[int]:
    """Which of the rates is due, each time that one is."""
    due = heapq.merge(
        *([(k / rate, i) for k in range(round(rate * seconds))] for i, rate in enumerate(rates_hz))
    )
    start_s = time.monotonic()
    for time_s, which in due:
        time.sleep(max(start_s + time_s - time.monotonic(), 0.0))
        yield which


def main() -> None:
    """Joint states and commands at the command rate, pictures with metadata at the cameras' rate."""
    seconds, camera_rate_hz = float(sys.argv[1]), float(sys.argv[2])
    robot = load_robot(_episodes.ROBOT)
    rclpy.init()
    node = rclpy.create_node('record_source', namespace=f'/{robot.name}')
    states = node.create_publisher(JointState, topics.JOINT_STATES, qos.STREAM)
    commands = [
        node.create_publisher(JointState, topic, qos.STREAM)
        for topic in (topics.SAFE_COMMAND, topics.TELEOP_COMMAND)
    ]
    cameras = robot.camera_names
    images = {c: node.create_publisher(Image, topics.image(c), qos.IMAGE) for c in cameras}
    metadata = {
        c: node.create_publisher(FrameMetadata, topics.frame_metadata(c), qos.STREAM)
        for c in cameras
    }
    scenes = [_episodes.Scene(i) for i in range(len(cameras))]
    ready = {
        camera: [image_message(scene.picture(k), camera, 0) for k in range(PICTURES)]
        for camera, scene in zip(cameras, scenes, strict=True)
    }
    nothing = np.empty((0, 0, 3), np.uint8)
    while any(p.get_subscription_count() == 0 for p in (states, *commands, *images.values())):
        time.sleep(0.05)
    pictures = 0
    low, high = robot.state.lower, robot.state.upper
    middle = (low + high) / 2
    target = (robot.action.lower + robot.action.upper) / 2
    for is_picture in ticks((robot.file.command_rate_hz, camera_rate_hz), seconds):
        now_ns = node.get_clock().now().nanoseconds
        if not is_picture:
            states.publish(state_message(robot.state, middle, 0 * middle, 0 * middle, now_ns))
            for publisher in commands:
                publisher.publish(command_message(robot.action, target, now_ns))
            continue
        for camera, publisher in images.items():
            message = ready[camera][pictures % PICTURES]
            message.header.stamp = to_stamp(now_ns)
            frame = Frame(image=nothing, capture_ns=now_ns, frame_number=pictures)
            metadata[camera].publish(frame_metadata_message(frame, camera))
            publisher.publish(message)
        pictures += 1
    rclpy.shutdown()


if __name__ == '__main__':
    with suppress(KeyboardInterrupt):  # how the benchmark ends it
        main()
