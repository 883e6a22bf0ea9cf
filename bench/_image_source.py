"""Child of image_path.py: publishes three cameras of noise pictures. Arguments: reliability, depth, seconds."""

import sys
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image

from vla_mbpo_robot.conversions import image_message

RATE_HZ = 30.0
CAMERAS = ('head', 'left_wrist', 'right_wrist')
SHAPE = (480, 640, 3)


def main() -> None:
    """Publish each camera at 30 Hz for the given time, stamped with the monotonic clock."""
    reliability, depth, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    rclpy.init()
    node = rclpy.create_node('image_source')
    qos = QoSProfile(depth=depth, reliability=ReliabilityPolicy[reliability])
    publishers = [node.create_publisher(Image, f'bench/{name}', qos) for name in CAMERAS]
    pictures = np.random.default_rng(0).integers(0, 256, (len(CAMERAS), *SHAPE), dtype=np.uint8)
    while any(publisher.get_subscription_count() == 0 for publisher in publishers):
        time.sleep(0.05)
    time.sleep(0.5)
    start_s = time.monotonic()
    for tick in range(round(seconds * RATE_HZ)):
        time.sleep(max(start_s + tick / RATE_HZ - time.monotonic(), 0.0))
        for publisher, picture in zip(publishers, pictures, strict=True):
            publisher.publish(image_message(picture, 'bench', time.monotonic_ns()))
    time.sleep(1.0)
    rclpy.shutdown()


if __name__ == '__main__':
    main()
