"""A picture read out of the serialised message is the one that the message object would have given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_robot.conversions import image_message
from vla_mbpo_robot.raw_image import stamped_picture

NOW_NS = 1_700_000_000_123_456_789


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=50, deadline=None)
@given(
    frame_id=st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=40),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    time_ns=st.integers(0, 2**31 * 10**9 - 1),
)
def test_stamp_and_pixels_survive_whatever_the_lengths(
    frame_id: str, height: int, width: int, time_ns: int
) -> None:
    picture = noise(height, width)
    data = serialize_message(image_message(picture, frame_id, time_ns))
    stamp_ns, found = stamped_picture(data)
    assert stamp_ns == time_ns
    np.testing.assert_array_equal(found, picture)


def test_a_camera_s_picture_is_not_copied() -> None:
    data = serialize_message(image_message(noise(480, 640), 'head_color_optical_frame', NOW_NS))
    _, found = stamped_picture(data)
    assert np.shares_memory(found, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize('encoding', ['bgr8', 'rgba8', 'mono8', ''])
def test_another_encoding_is_named(encoding: str) -> None:
    message = image_message(noise(4, 4), 'head', NOW_NS)
    message.encoding = encoding
    with pytest.raises(VlaMbpoError, match=rf'expected rgb8 \(4, 4, 3\), got {encoding} with 48'):
        stamped_picture(serialize_message(message))


def test_rows_with_padding_are_refused() -> None:
    message = image_message(noise(4, 4), 'head', NOW_NS)
    message.width = 3
    with pytest.raises(VlaMbpoError, match=r'expected rgb8 \(4, 3, 3\), got rgb8 with 48 bytes'):
        stamped_picture(serialize_message(message))


@pytest.mark.parametrize('length', [0, 3, 10, 20, 30, 40, 50, 90])
def test_a_torn_message_is_refused(length: int) -> None:
    data = serialize_message(image_message(noise(4, 4), 'head', NOW_NS))
    assert len(data) == 100
    with pytest.raises(VlaMbpoError, match='image'):
        stamped_picture(data[:length])


def test_big_endian_is_refused() -> None:
    data = serialize_message(Image())
    with pytest.raises(VlaMbpoError, match='expected CDR little endian'):
        stamped_picture(b'\0\0' + data[2:])
