"""Robot descriptions: one YAML per robot, from which layouts, limits, URDF and MJCF are derived."""

from vla_mbpo.robots.description import RobotDescription
from vla_mbpo.robots.layout import Dim
from vla_mbpo.robots.layout import Layout
from vla_mbpo.robots.registry import load_robot
from vla_mbpo.robots.registry import robot_names

__all__ = ['Dim', 'Layout', 'RobotDescription', 'load_robot', 'robot_names']
