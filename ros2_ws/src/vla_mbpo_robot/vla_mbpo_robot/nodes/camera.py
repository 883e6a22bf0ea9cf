"""Node that owns one camera and publishes its frames with their capture times."""

import time
from contextlib import ExitStack

import rclpy
from rclpy.task import Future

from vla_mbpo.robots import load_robot
from vla_mbpo_robot.drivers.camera import CameraDriver
from vla_mbpo_robot.drivers.table import CAMERA_DRIVERS
from vla_mbpo_robot.drivers.table import find
from vla_mbpo_robot.nodes.clocks import control_clock
from vla_mbpo_robot.nodes.images import ImagePublisher
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.serials import SerialsPublisher
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import CameraSettings

POLL_S = 0.002


class CameraProcess:
    """One camera, polled; a driver that blocks reads in a thread of its own and hands frames over."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('camera')
        self.nodes = (node,)
        settings = declare(node, CameraSettings)
        camera = load_robot(settings.robot).camera(settings.camera)
        make_driver = find('camera driver', CAMERA_DRIVERS, settings.driver or camera.driver)
        self._driver: CameraDriver = make_driver(camera, settings.serial)
        self._images = ImagePublisher(
            node,
            load_robot(settings.robot),
            settings.camera,
            rate_hz=camera.rate_hz,
            now_s=time.monotonic,
        )
        with ExitStack() as undo:
            undo.callback(self._driver.stop)
            self._driver.start()
            undo.pop_all()
        serial = self._driver.serial
        self._serials = SerialsPublisher(node, f'{settings.camera}={serial}' if serial else '')
        node.create_timer(POLL_S, self._on_tick, clock=control_clock(node))

    def close(self) -> None:
        """Release the device."""
        self._driver.stop()

    def _on_tick(self) -> None:
        frame = self._driver.read(timeout_s=0.0)
        if frame is not None:
            self._images.publish(frame)


def main(args: list[str] | None = None) -> int:
    """Run one camera of a real robot."""
    return run(CameraProcess, args)
