"""Node that keeps every message of an episode as it came; it decides nothing and nobody waits for it."""

from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import JointState

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.msg import ActionChunk
from vla_mbpo_msgs.msg import EpisodeStatus
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.black_box import BlackBox
from vla_mbpo_robot.black_box import Channel
from vla_mbpo_robot.black_box import Message
from vla_mbpo_robot.black_box import file_of
from vla_mbpo_robot.diagnostics import ERROR
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import WARN
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.message_texts import definition
from vla_mbpo_robot.nodes.polling import Poller
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.settings import BlackBoxSettings

Topic = tuple[str, Any, QoSProfile]
"""Relative name, message class and quality of service."""


class BlackBoxProcess:
    """Hands every serialised message to a `BlackBox`, which follows the state of the recorder."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('black_box')
        self.nodes = (node,)
        self._clock = node.get_clock()
        settings = declare(node, BlackBoxSettings)
        self._robot = load_robot(settings.robot)
        if not settings.dataset_dir:
            raise VlaMbpoError('parameters of node black_box: dataset_dir: expected a folder')
        self._dataset = Path(settings.dataset_dir)
        listed = _topics(self._robot.camera_names, with_images=settings.images)
        channels = [
            Channel(
                topic=node.resolve_topic_name(name),
                type_name=_type_name(kind),
                definition=definition(_type_name(kind)),
            )
            for name, kind, _ in listed
        ]
        self._box = BlackBox(self._dataset, tuple(channels))
        self._box.start()
        self._episode: int | None = None
        self._poller = Poller(node)
        self._subscribe(node, listed)
        self._diagnostics = Diagnostics(node, hardware_id=self._robot.name)
        self._diagnostics.add('file', self._health)

    def close(self) -> None:
        """Complete an open file; it is kept, as the recorder keeps the journal of an open episode."""
        self._box.close()

    def _subscribe(self, node: Node, listed: list[Topic]) -> None:
        for name, kind, profile in listed:
            on_message = partial(self._on_message, node.resolve_topic_name(name))
            self._poller.subscribe(kind, name, on_message, profile, raw=True)
        self._poller.subscribe(
            EpisodeStatus, topics.EPISODE_STATUS, self._on_status, qos.LATCHED_BY_MANY
        )

    def _on_message(self, topic: str, data: bytes, received_ns: int) -> None:
        # In the twin messages are stamped with simulated time, and so are the records.
        is_simulated = self._clock.ros_time_is_active
        receipt_ns = self._clock.now().nanoseconds if is_simulated else received_ns
        self._box.put(Message(topic=topic, data=data, receipt_ns=receipt_ns))

    def _on_status(self, status: EpisodeStatus, _: int) -> None:
        is_recording = status.state == EpisodeStatus.RECORDING
        if self._episode is not None and not (
            is_recording and status.episode_index == self._episode
        ):
            is_saved = status.saved_episodes > self._episode
            is_failed = status.state == EpisodeStatus.ERROR
            self._finish(is_kept=is_saved or is_failed)
        if is_recording and self._episode is None:
            self._episode = status.episode_index
            facts = {'episode': str(status.episode_index), 'robot': self._robot.name}
            self._box.open(self._episode, facts)

    def _finish(self, *, is_kept: bool) -> None:
        if is_kept:
            self._box.keep()
        else:
            self._box.discard()
        self._episode = None

    def _health(self) -> Health:
        values = {'dropped': self._box.dropped}
        if self._box.error is not None:
            return Health(level=ERROR, message=str(self._box.error), values=values)
        if self._box.dropped:
            return Health(level=WARN, message='the disk is too slow', values=values)
        where = 'idle' if self._episode is None else str(file_of(self._dataset, self._episode))
        return Health(level=OK, message=where, values=values)


def _topics(cameras: tuple[str, ...], *, with_images: bool) -> list[Topic]:
    listed: list[Topic] = [
        (topics.JOINT_STATES, JointState, qos.STREAM),
        (topics.SAFE_COMMAND, JointState, qos.STREAM),
        (topics.TELEOP_COMMAND, JointState, qos.STREAM),
        (topics.POLICY_CHUNK, ActionChunk, qos.STREAM),
        (topics.GATE_STATE, GateState, qos.LATCHED_BY_MANY),
        (topics.EPISODE_STATUS, EpisodeStatus, qos.LATCHED_BY_MANY),
        (topics.SESSION_STATUS, SessionStatus, qos.LATCHED_BY_MANY),
        (topics.TWIN_STATE, TwinState, qos.LATCHED_BY_MANY),
        (topics.DIAGNOSTICS, DiagnosticArray, qos.STREAM),
    ]
    for camera in cameras:
        listed.append((topics.frame_metadata(camera), FrameMetadata, qos.STREAM))
        if with_images:
            # Raw pictures are 28 MB/s per camera; JPEG keeps every one of them in a twentieth of that.
            listed.append((topics.compressed_image(camera), CompressedImage, qos.RECORDED_IMAGE))
            listed.append((topics.camera_info(camera), CameraInfo, qos.RECORDED_IMAGE))
    return listed


def _type_name(kind: Any) -> str:  # noqa: ANN401  a generated message class
    package, folder, *_ = kind.__module__.split('.')
    return f'{package}/{folder}/{kind.__name__}'


def main(args: list[str] | None = None) -> int:
    """Run the black box."""
    return run(BlackBoxProcess, args)
