"""Record teleoperated episodes: ros2 launch vla_mbpo collect.launch.py robot:=arx_x5 task:=pick_cup simulate:=true.

Arguments, checks and nodes are those of job `collect` in vla_mbpo_robot.bringup; `--show-args` lists the arguments.
"""

from launch import LaunchDescription
from vla_mbpo_robot.launching import describe


def generate_launch_description() -> LaunchDescription:
    """Entry point that `ros2 launch` calls."""
    return describe('collect')
