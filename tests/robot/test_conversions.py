"""Messages carry vectors and pictures without loss, and malformed ones are refused in words."""

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo_robot.conversions import camera_info_message
from vla_mbpo_robot.conversions import command_message
from vla_mbpo_robot.conversions import image_message
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import picture
from vla_mbpo_robot.conversions import to_ns
from vla_mbpo_robot.conversions import to_stamp


@pytest.mark.parametrize('name', ['arx_x5', 'galaxea_r1'])
def test_a_command_survives_the_message(name: str) -> None:
    layout = load_robot(name).action
    command = np.linspace(-1.0, 1.0, layout.width)
    message = command_message(layout, command, 1_234_567_890)
    np.testing.assert_array_equal(layout_vector(layout, message), command)
    assert to_ns(message.header.stamp) == 1_234_567_890


def test_velocity_dims_leave_the_position_field_empty_of_meaning() -> None:
    layout = load_robot('galaxea_r1').action
    message = command_message(layout, np.zeros(layout.width), 0)
    assert np.isnan(message.position[layout.index('base_vx')])
    assert np.isnan(message.velocity[layout.index('left_arm_joint1')])


def test_the_sender_may_order_its_joints_as_it_likes() -> None:
    layout = load_robot('arx_x5').action
    command = np.arange(layout.width, dtype=float)
    message = command_message(layout, command, 0)
    message.name = list(reversed(message.name))
    message.position = list(reversed(message.position))
    message.velocity = list(reversed(message.velocity))
    np.testing.assert_array_equal(layout_vector(layout, message), command)


def test_a_missing_dim_is_named() -> None:
    layout = load_robot('arx_x5').action
    message = JointState(name=['left_joint1'], position=[0.0], velocity=[0.0])
    with pytest.raises(VlaMbpoError, match='lacks left_joint2.*it has: left_joint1'):
        layout_vector(layout, message)


def test_arrays_of_different_length_are_refused() -> None:
    layout = load_robot('arx_x5').action
    with pytest.raises(ShapeError, match=r'expected shape \(1, 1\), got \(1, 0\)'):
        layout_vector(layout, JointState(name=['left_joint1'], position=[0.0]))


def test_a_picture_survives_the_message_without_a_copy() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    message = image_message(image, 'head_color_optical_frame', 5)
    received = picture(message)
    np.testing.assert_array_equal(received, image)
    assert not received.flags.owndata


def test_another_encoding_is_refused() -> None:
    message = image_message(np.zeros((2, 2, 3), np.uint8), 'head', 0)
    message.encoding = 'bgr8'
    with pytest.raises(VlaMbpoError, match='expected rgb8 .* got bgr8'):
        picture(message)


def test_stamps_round_trip_to_the_nanosecond() -> None:
    assert to_ns(to_stamp(1_999_999_999)) == 1_999_999_999


def test_the_focal_length_comes_from_the_field_of_view() -> None:
    camera = load_robot('arx_x5').camera('head')
    info = camera_info_message(camera, 0)
    half_angle = np.degrees(np.arctan(camera.height / 2 / info.k[0]))
    assert 2 * half_angle == pytest.approx(camera.fovy_deg)
    assert (info.width, info.height) == (camera.width, camera.height)
    assert (info.k[2], info.k[5]) == ((camera.width - 1) / 2, (camera.height - 1) / 2)
    assert info.header.frame_id == 'head_color_optical_frame'
