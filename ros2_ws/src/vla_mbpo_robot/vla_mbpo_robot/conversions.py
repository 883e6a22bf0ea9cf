"""ROS messages to numpy and back; pure functions."""

from array import array
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import Layout
from vla_mbpo.robots.layout import Vector
from vla_mbpo.robots.schema import Camera
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_robot.drivers.camera import Frame


def to_stamp(time_ns: int) -> Time:
    """int64 nanoseconds to a ROS time."""
    return Time(sec=time_ns // NS_PER_S, nanosec=time_ns % NS_PER_S)


def to_ns(stamp: Time) -> int:
    """ROS time to int64 nanoseconds."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def command_message(layout: Layout, command: Vector, time_ns: int) -> JointState:
    """Command [A] as a JointState: targets in `position`, or in `velocity` for velocity dims.

    The unused one of the two is NaN, so that nobody can mistake it for a target.
    """
    layout.check(command, 'command')
    message = JointState()
    message.header.stamp = to_stamp(time_ns)
    message.name = list(layout.names)
    message.position = array('d', np.where(layout.is_velocity, np.nan, command).tobytes())
    message.velocity = array('d', np.where(layout.is_velocity, command, np.nan).tobytes())
    return message


def state_message(
    layout: Layout, position: Vector, velocity: Vector, effort: Vector, time_ns: int
) -> JointState:
    """Measured state, each [S], as a JointState with all dims of the state layout."""
    message = JointState()
    message.header.stamp = to_stamp(time_ns)
    message.name = list(layout.names)
    message.position = array('d', position.tobytes())
    message.velocity = array('d', velocity.tobytes())
    message.effort = array('d', effort.tobytes())
    return message


def layout_vector(layout: Layout, message: JointState) -> Vector:
    """Values of `layout` out of a JointState: `velocity` for velocity dims, else `position`.

    Names are looked up, so the sender's order does not matter.

    Raises:
        VlaMbpoError: a dim is missing; lists the names that the message has.
        ShapeError: `name`, `position` and `velocity` differ in length.
    """
    names = tuple(message.name)
    count = len(names)
    if len(message.position) != count or len(message.velocity) != count:
        lengths = (len(message.position), len(message.velocity))
        raise ShapeError('JointState position, velocity', expected=(count, count), got=lengths)
    both = np.array([message.position, message.velocity])
    if names != layout.names:
        both = both[:, _columns(layout, names)]
    vector: Vector = np.where(layout.is_velocity, both[1], both[0])
    return vector


def _columns(layout: Layout, names: Sequence[str]) -> list[int]:
    missing = [name for name in layout.names if name not in names]
    if missing:
        raise VlaMbpoError(
            f'JointState lacks {", ".join(missing)}; it has: {", ".join(names) or "no names"}'
        )
    return [names.index(name) for name in layout.names]


def image_message(picture: NDArray[np.uint8], frame_id: str, time_ns: int) -> Image:
    """RGB picture uint8 [H, W, 3] as an rgb8 Image."""
    height, width, _ = picture.shape
    message = Image(height=height, width=width, encoding='rgb8', step=3 * width, is_bigendian=0)
    message.header.stamp = to_stamp(time_ns)
    message.header.frame_id = frame_id
    # An array of bytes is the only payload that rclpy takes without copying element by element.
    data = array('B')
    data.frombytes(np.ascontiguousarray(picture).data.cast('B'))
    message.data = data
    return message


def frame_metadata_message(frame: Frame, frame_id: str) -> FrameMetadata:
    """What is known of a picture beside its pixels."""
    message = FrameMetadata(
        frame_number=frame.frame_number,
        clock_domain=int(frame.domain),
        exposure_s=frame.exposure_s,
    )
    message.header.stamp = to_stamp(frame.capture_ns)
    message.header.frame_id = frame_id
    return message


def picture(message: Image) -> NDArray[np.uint8]:
    """rgb8 Image as uint8 [H, W, 3], without a copy.

    Raises:
        VlaMbpoError: another encoding or a row length that does not fit.
    """
    expected = (message.height, message.width, 3)
    if message.encoding != 'rgb8' or len(message.data) != np.prod(expected):
        raise VlaMbpoError(
            f'image of {message.header.frame_id}: expected rgb8 {expected}, got '
            f'{message.encoding} with {len(message.data)} bytes'
        )
    return np.frombuffer(message.data, np.uint8).reshape(expected)


def jpeg_message(jpeg: bytes, frame_id: str, time_ns: int) -> CompressedImage:
    """Encoded JPEG as a CompressedImage."""
    message = CompressedImage(format='rgb8; jpeg compressed bgr8')
    message.header.stamp = to_stamp(time_ns)
    message.header.frame_id = frame_id
    message.data = array('B', jpeg)
    return message


def camera_info_message(camera: Camera, time_ns: int) -> CameraInfo:
    """Pinhole intrinsics from the description's field of view, without distortion."""
    focal, (cx, cy) = camera.focal_px, camera.principal_px
    message = CameraInfo(height=camera.height, width=camera.width, distortion_model='plumb_bob')
    message.header.stamp = to_stamp(time_ns)
    message.header.frame_id = camera.optical_frame
    message.d = [0.0] * 5
    message.k = [focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def pose_message(xyz_m: Sequence[float], quaternion_xyzw: Sequence[float]) -> Pose:
    """Position and quaternion as a Pose."""
    message = Pose()
    message.position.x, message.position.y, message.position.z = map(float, xyz_m)
    orientation = message.orientation
    orientation.x, orientation.y, orientation.z, orientation.w = map(float, quaternion_xyzw)
    return message


def named_poses(
    names: Sequence[str], poses: Sequence[Pose]
) -> Mapping[str, tuple[tuple[float, float, float], tuple[float, float, float, float]]]:
    """Poses by object name as (xyz in m, quaternion xyzw)."""
    return {
        name: (
            (pose.position.x, pose.position.y, pose.position.z),
            (
                pose.orientation.x,
                pose.orientation.y,
                pose.orientation.z,
                pose.orientation.w,
            ),
        )
        for name, pose in zip(names, poses, strict=True)
    }
