"""Shared library of VLA-MBPO: robots, tasks, episodes and policies, without ROS.

`SOFTWARE_VERSION` is the version in package.xml, as installed.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version

try:
    SOFTWARE_VERSION = version('vla_mbpo')
except PackageNotFoundError:  # run from a source tree that was never installed
    SOFTWARE_VERSION = '0+uninstalled'

__all__ = ['SOFTWARE_VERSION']
