"""Publishes the frames of one camera: raw always, compressed and camera_info when somebody listens."""

from collections.abc import Callable

import cv2
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from vla_mbpo.robots import RobotDescription
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import camera_info_message
from vla_mbpo_robot.conversions import frame_metadata_message
from vla_mbpo_robot.conversions import image_message
from vla_mbpo_robot.conversions import jpeg_message
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.diagnostics import rate_health
from vla_mbpo_robot.drivers.camera import Frame
from vla_mbpo_robot.monitor import RateMonitor

JPEG_QUALITY = 80


class ImagePublisher:
    """Topics and health of one camera, on the node that owns it."""

    def __init__(
        self,
        node: Node,
        robot: RobotDescription,
        camera: str,
        *,
        rate_hz: float,
        now_s: Callable[[], float],
    ) -> None:
        """`now_s` is the clock that `rate_hz` refers to."""
        self._now_s = now_s
        self._camera = robot.camera(camera)
        self._rate_hz = rate_hz
        self._frame_id = self._camera.optical_frame
        self._metadata = node.create_publisher(
            FrameMetadata, topics.frame_metadata(camera), qos.STREAM
        )
        self._raw = node.create_publisher(Image, topics.image(camera), qos.IMAGE)
        self._jpeg = node.create_publisher(
            CompressedImage, topics.compressed_image(camera), qos.IMAGE
        )
        self._info = node.create_publisher(CameraInfo, topics.camera_info(camera), qos.IMAGE)
        self._monitor = RateMonitor()
        self._diagnostics = Diagnostics(node, hardware_id=f'{robot.name}/{camera}')
        self._diagnostics.add('frames', self._health)

    def publish(self, frame: Frame) -> None:
        """Send one frame, stamped with its capture time; what is known of it goes first."""
        self._metadata.publish(frame_metadata_message(frame, self._frame_id))
        self._raw.publish(image_message(frame.image, self._frame_id, frame.capture_ns))
        if self._jpeg.get_subscription_count():
            options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            _, jpeg = cv2.imencode('.jpg', frame.image[..., ::-1], options)
            self._jpeg.publish(jpeg_message(jpeg.tobytes(), self._frame_id, frame.capture_ns))
        if self._info.get_subscription_count():
            info = camera_info_message(self._camera, frame.capture_ns)
            self._info.publish(info)
        self._monitor.seen(self._now_s())

    def _health(self) -> Health:
        now_s = self._now_s()
        return rate_health(
            rate_hz=self._monitor.rate_hz(now_s),
            expected_hz=self._rate_hz,
            age_s=self._monitor.age_s(now_s),
        )
