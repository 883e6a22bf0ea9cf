"""Parameters are declared from dataclasses, with help and range, and refused in words."""

import dataclasses

import pytest
import rclpy
from rclpy.node import Node

from vla_mbpo.config import field_setting
from vla_mbpo.errors import ConfigError
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import SETTINGS
from vla_mbpo_robot.settings import CommandGateSettings
from vla_mbpo_robot.settings import TwinSettings

pytestmark = pytest.mark.ros


@pytest.fixture
def make_node():
    rclpy.init()
    nodes = []

    def make(*overrides: str) -> Node:
        arguments = [part for override in overrides for part in ('-p', override)]
        nodes.append(rclpy.create_node('node', cli_args=['--ros-args', *arguments]))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown()


def test_defaults_come_from_the_dataclass_and_overrides_from_the_command_line(make_node) -> None:
    assert declare(make_node(), TwinSettings) == TwinSettings()
    assert declare(make_node('seed:=7'), TwinSettings).seed == 7


def test_a_parameter_carries_help_unit_and_range(make_node) -> None:
    node = make_node()
    declare(node, TwinSettings)
    descriptor = node.describe_parameter('state_rate_hz')
    assert descriptor.description.endswith('[Hz]')
    assert descriptor.read_only
    assert (
        descriptor.floating_point_range[0].from_value,
        descriptor.floating_point_range[0].to_value,
    ) == (10, 500)


@pytest.mark.parametrize(
    ('override', 'named'),
    [
        ('seed:=many', 'seed'),
        ('state_rate_hz:=9000.0', 'state_rate_hz'),
        ('speed_factor:=0.0', 'speed_factor'),
    ],
)
def test_a_wrong_type_or_range_names_the_parameter(make_node, override: str, named: str) -> None:
    with pytest.raises(ConfigError, match=f'parameters of node node.*{named}'):
        declare(make_node(override), TwinSettings)


def test_a_range_with_an_exclusive_end_is_declared_too(make_node) -> None:
    node = make_node()
    declare(node, CommandGateSettings)
    (found,) = node.describe_parameter('state_timeout_s').floating_point_range
    assert (found.from_value, found.to_value) == (0, 5)


def test_an_exclusive_bound_is_checked_as_well(make_node) -> None:
    with pytest.raises(ConfigError, match='request_timeout_s: input should be greater than 0'):
        declare(make_node('request_timeout_s:=0.0'), CommandGateSettings)


@pytest.mark.parametrize('executable', SETTINGS)
def test_every_setting_has_a_default_and_a_description(executable: str) -> None:
    for field in dataclasses.fields(SETTINGS[executable]):
        assert field.default is not dataclasses.MISSING, field.name
        assert field_setting(SETTINGS[executable], field.name).description, field.name
