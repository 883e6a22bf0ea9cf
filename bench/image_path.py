"""Three raw 640x480 cameras at 30 Hz from one process to another: our QoS and profile beside ROS's sensor default.

Prints arrived frames, latency and processor share of both in one run. Use: image_path.py [SECONDS]
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import _graph
import numpy as np
import rclpy
from _image_source import CAMERAS
from _image_source import RATE_HZ
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image

from vla_mbpo_robot import qos
from vla_mbpo_robot.conversions import picture
from vla_mbpo_robot.conversions import to_ns

SOURCE = Path(__file__).with_name('_image_source.py')


@dataclass(frozen=True, kw_only=True)
class ImagePath:
    """Quality of service of both ends."""

    reliability: str
    write_depth: int
    read_depth: int


OURS = ImagePath(
    reliability=qos.IMAGE.reliability.name,
    write_depth=qos.IMAGE.depth,
    read_depth=qos.RECORDED_IMAGE.depth,
)
SENSOR_DATA = ImagePath(reliability='BEST_EFFORT', write_depth=5, read_depth=5)


def receive(reliability: str, depth: int, seconds: float) -> None:
    """Child: count frames of all cameras and print count, latencies and own processor time."""
    rclpy.init()
    node = rclpy.create_node('image_sink')
    latencies_ms: list[float] = []

    def on_image(message: Image) -> None:
        picture(message).sum(dtype=np.int64)
        latencies_ms.append((time.monotonic_ns() - to_ns(message.header.stamp)) / 1e6)

    qos = QoSProfile(depth=depth, reliability=ReliabilityPolicy[reliability])
    for name in CAMERAS:
        node.create_subscription(Image, f'bench/{name}', on_image, qos)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    deadline_s = time.monotonic() + seconds + 10.0
    last_s = 0.0
    count = 0
    while time.monotonic() < deadline_s:
        executor.spin_once(timeout_sec=0.2)
        if len(latencies_ms) != count:
            count, last_s = len(latencies_ms), time.monotonic()
        elif count and time.monotonic() - last_s > 2.0:
            break
    p50, p99 = np.percentile(latencies_ms, [50, 99]) if latencies_ms else (np.nan, np.nan)
    print(count, p50, p99, time.process_time())
    rclpy.shutdown()


def measure(title: str, path: ImagePath, seconds: float, env: Mapping[str, str]) -> int:
    """Run source and sink; print one line; returns the frames that arrived."""
    sink = subprocess.Popen(
        [sys.executable, __file__, 'receive', path.reliability, str(path.read_depth), str(seconds)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    source = subprocess.Popen(
        [sys.executable, str(SOURCE), path.reliability, str(path.write_depth), str(seconds)],
        env=env,
    )
    output, _ = sink.communicate(timeout=seconds + 40)
    source.wait(20)
    arrived, p50, p99, cpu = output.split()
    sent = round(seconds * RATE_HZ) * len(CAMERAS)
    print(
        f'{title:<42} {arrived:>4} of {sent} frames, latency p50 {float(p50):.1f} ms, '
        f'p99 {float(p99):.1f} ms, receiver {100 * float(cpu) / seconds:.0f} % of a core'
    )
    return int(arrived)


def main() -> None:
    """Measure both and print the ratio."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    env = _graph.environment()
    stock = {
        name: value for name, value in env.items() if not name.startswith(('FASTRTPS', 'MALLOC'))
    }
    ours = measure('ours: reliable, 32 MB segment', OURS, seconds, env)
    peer = measure('ROS default: best effort (sensor data)', SENSOR_DATA, seconds, stock)
    print(f'arrived, ours / ROS default: {ours / max(peer, 1):.1f}')
    if ours < round(seconds * RATE_HZ) * len(CAMERAS):
        sys.exit('image_path: our path lost frames')


if __name__ == '__main__':
    if len(sys.argv) > 1 and sys.argv[1] == 'receive':
        receive(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
