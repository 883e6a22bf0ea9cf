"""Regularity of `safe_command` while the twin renders and publishes three cameras on the same machine.

The gate runs on the wall clock, as on a real robot. Use: control_period.py [SECONDS]
"""

import os
import sys
import time

import _graph
import numpy as np
import rclpy
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from vla_mbpo.robots import load_robot
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import to_ns

ROBOT = 'arx_x5'


def periods_ms(seconds: float) -> np.ndarray:
    """Arm the gate and collect the time between commands, from the gate's own stamps."""
    rclpy.init()
    node = rclpy.create_node('control_period', namespace=f'/{ROBOT}')
    stamps_ns: list[int] = []
    node.create_subscription(
        JointState,
        topics.SAFE_COMMAND,
        lambda message: stamps_ns.append(to_ns(message.header.stamp)),
        qos.STREAM,
    )
    arm = node.create_client(SetBool, topics.ARM_GATE)
    if not arm.wait_for_service(15.0):
        sys.exit('control_period: the command gate did not start')
    deadline_s = time.monotonic() + 20.0
    while time.monotonic() < deadline_s:
        future = arm.call_async(SetBool.Request(data=True))
        rclpy.spin_until_future_complete(node, future, timeout_sec=2.0)
        if future.done() and future.result().success:
            break
        time.sleep(0.2)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        rclpy.spin_once(node, timeout_sec=0.1)
    rclpy.shutdown()
    return np.diff(stamps_ns) / 1e6


def main() -> None:
    """Print the distribution of the control period and the processor share of both processes."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    env = _graph.environment()
    os.environ.update(env)
    ros = ['--ros-args', '-r', f'__ns:=/{ROBOT}', '-p', f'robot:={ROBOT}']
    commands = {
        'twin': [_graph.executable('twin'), *ros],
        'command_gate': [_graph.executable('command_gate'), *ros],
    }
    with _graph.running(commands, env) as processes:
        found = periods_ms(seconds)
        share = {name: _graph.cpu_s(process) for name, process in processes.items()}
    wanted_ms = 1e3 / load_robot(ROBOT).file.command_rate_hz
    p50, p99 = np.percentile(found, [50, 99])
    print(
        f'safe_command: {len(found)} periods, wanted {wanted_ms:.1f} ms, p50 {p50:.2f}, '
        f'p99 {p99:.2f}, max {found.max():.2f} ms'
    )
    for name, used_s in share.items():
        print(f'{name}: {used_s:.1f} CPU-s including start-up')


if __name__ == '__main__':
    main()
