"""What to start for a job: arguments, checks, node list and environment, the same for every launcher. No rclpy."""

from vla_mbpo_robot.bringup.arguments import Argument
from vla_mbpo_robot.bringup.arguments import arguments_of
from vla_mbpo_robot.bringup.arguments import options_from
from vla_mbpo_robot.bringup.environment import node_environment
from vla_mbpo_robot.bringup.jobs import Job
from vla_mbpo_robot.bringup.jobs import find_job
from vla_mbpo_robot.bringup.jobs import job_names
from vla_mbpo_robot.bringup.jobs import node_specs
from vla_mbpo_robot.bringup.options import BringupOptions
from vla_mbpo_robot.bringup.options import CollectOptions
from vla_mbpo_robot.bringup.preparation import Prepared
from vla_mbpo_robot.bringup.preparation import prepare
from vla_mbpo_robot.bringup.specs import NodeSpec

__all__ = [
    'Argument',
    'BringupOptions',
    'CollectOptions',
    'Job',
    'NodeSpec',
    'Prepared',
    'arguments_of',
    'find_job',
    'job_names',
    'node_environment',
    'node_specs',
    'options_from',
    'prepare',
]
