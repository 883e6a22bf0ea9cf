"""A job as a ROS 2 launch description; only launch files import this, and only where `launch` is installed."""

from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.actions import Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext
from launch import LaunchDescription
from vla_mbpo_robot.bringup import Argument
from vla_mbpo_robot.bringup import NodeSpec
from vla_mbpo_robot.bringup import Prepared
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import find_job
from vla_mbpo_robot.bringup import options_from
from vla_mbpo_robot.bringup import prepare
from vla_mbpo_robot.bringup.specs import PACKAGE


def describe(job: str) -> LaunchDescription:
    """Launch description of `job`: its arguments, then the nodes that they ask for."""
    arguments = arguments_of(find_job(job).options)

    def start(context: LaunchContext) -> list[Node]:
        values = {a.name: LaunchConfiguration(a.name).perform(context) for a in arguments}
        # The lock stays with the launch process until that ends.
        prepared = prepare(job, options_from(find_job(job).options, values))
        return [_node(spec, prepared) for spec in prepared.specs]

    return LaunchDescription([*map(_declare, arguments), OpaqueFunction(function=start)])


def _declare(argument: Argument) -> DeclareLaunchArgument:
    return DeclareLaunchArgument(
        argument.name,
        default_value=argument.default,
        description=argument.description,
        choices=list(argument.choices) or None,
    )


def _node(spec: NodeSpec, prepared: Prepared) -> Node:
    """A node whose end, good or bad, is the end of the job: every other one depends on it."""
    return Node(
        package=PACKAGE,
        executable=spec.executable,
        name=spec.name if spec.is_renamed else None,
        namespace=spec.namespace,
        parameters=[dict(spec.parameters)],
        ros_arguments=['--log-level', spec.log_level],
        additional_env=dict(prepared.environment),
        output='screen',
        on_exit=Shutdown(reason=f'{spec.name} ended'),
    )
