"""Start a robot (or its twin) and its command gate: ros2 launch vla_mbpo bringup.launch.py robot:=arx_x5.

Arguments, checks and nodes are those of job `bringup` in vla_mbpo_robot.bringup; `--show-args` lists the arguments.
"""

from launch import LaunchDescription
from vla_mbpo_robot.launching import describe


def generate_launch_description() -> LaunchDescription:
    """Entry point that `ros2 launch` calls."""
    return describe('bringup')
