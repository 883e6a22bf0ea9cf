"""Node that pairs cameras, joint states and commands into rows and writes episodes."""

from functools import partial
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.synchronize import SyncConfig
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.msg import EpisodeStatus
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_msgs.srv import DiscardEpisode
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import picture
from vla_mbpo_robot.conversions import to_ns
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.diagnostics import rate_health
from vla_mbpo_robot.monitor import RateMonitor
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.recording import Recording
from vla_mbpo_robot.settings import EpisodeRecorderSettings

STATUS_PERIOD_S = 0.2
GIB = 2**30


class EpisodeRecorderProcess:
    """Hands every message to a `Recording`; answers start, finish and discard."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('episode_recorder')
        self.nodes = (node,)
        self._node = node
        settings = declare(node, EpisodeRecorderSettings)
        self._robot = load_robot(settings.robot)
        self._simulated = settings.simulated
        spec = DatasetSpec.of_robot(self._robot)
        writer = DatasetWriter.open(
            Path(settings.dataset_dir), spec, min_free_bytes=int(settings.min_free_gib * GIB)
        )
        for left in writer.recovered:
            node.get_logger().warning(f'dataset {writer.root}: {left}')
        self._recording = Recording(writer, spec, _sync_config(self._robot, settings))
        self._message = ''
        self._monitors = {camera: RateMonitor() for camera in self._robot.camera_names}
        self._status = node.create_publisher(EpisodeStatus, topics.EPISODE_STATUS, qos.LATCHED)
        self._subscribe(node)
        node.create_service(StartEpisode, topics.START_EPISODE, self._on_start)
        node.create_service(FinishEpisode, topics.FINISH_EPISODE, self._on_finish)
        node.create_service(DiscardEpisode, topics.DISCARD_EPISODE, self._on_discard)
        self._diagnostics = Diagnostics(node, hardware_id=self._robot.name)
        for camera in self._robot.camera_names:
            self._diagnostics.add(f'{camera} frames', partial(self._camera_health, camera))
        node.create_timer(STATUS_PERIOD_S, self._publish_status)

    def close(self) -> None:
        """Release the dataset; the journal of an open episode is kept."""
        self._recording.close()

    def _subscribe(self, node: Node) -> None:
        self._topics = [
            *(topics.image(camera) for camera in self._robot.camera_names),
            topics.JOINT_STATES,
            topics.SAFE_COMMAND,
            topics.TELEOP_COMMAND,
        ]
        for camera in self._robot.camera_names:
            on_image = partial(self._on_image, camera)
            node.create_subscription(Image, topics.image(camera), on_image, qos.RECORDED_IMAGE)
        for topic, callback in (
            (topics.JOINT_STATES, self._on_state),
            (topics.SAFE_COMMAND, self._on_sent),
            (topics.TELEOP_COMMAND, self._on_request),
        ):
            node.create_subscription(JointState, topic, callback, qos.STREAM)
        if self._simulated:
            node.create_subscription(TwinState, topics.TWIN_STATE, self._on_scene, qos.LATCHED)

    def _on_image(self, camera: str, message: Image) -> None:
        receipt_ns = self._node.get_clock().now().nanoseconds
        self._monitors[camera].seen(receipt_ns / 1e9)
        self._recording.sync.push_frame(
            camera,
            picture(message),
            capture_ns=to_ns(message.header.stamp),
            receipt_ns=receipt_ns,
        )
        self._pump()

    def _on_state(self, message: JointState) -> None:
        state = layout_vector(self._robot.state, message)
        self._recording.sync.push_state(to_ns(message.header.stamp), state)

    def _on_sent(self, message: JointState) -> None:
        command = layout_vector(self._robot.action, message)
        self._recording.sync.push_sent(to_ns(message.header.stamp), command)

    def _on_request(self, message: JointState) -> None:
        command = layout_vector(self._robot.action, message)
        self._recording.sync.push_requested(to_ns(message.header.stamp), command, Source.TELEOP)

    def _on_scene(self, message: TwinState) -> None:
        self._recording.sync.push_success(to_ns(message.header.stamp), message.success)

    def _pump(self) -> None:
        try:
            self._recording.pump()
        except DatasetError as error:
            self._message = str(error)
            self._node.get_logger().error(self._message)
            self._publish_status()

    def _on_start(
        self, request: StartEpisode.Request, response: StartEpisode.Response
    ) -> StartEpisode.Response:
        try:
            info = _episode_info(request, simulated=self._simulated)
            now_ns = self._node.get_clock().now().nanoseconds
            response.episode_index = self._recording.start(info, now_ns)
            response.success, response.message, self._message = True, 'recording', ''
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
        return response

    def _on_finish(
        self, request: FinishEpisode.Request, response: FinishEpisode.Response
    ) -> FinishEpisode.Response:
        try:
            fields = {'outcome': request.outcome, 'note': request.note}
            result = from_mapping(EpisodeResult, fields, source='finish request')
            summary = self._recording.finish(result)
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        response.success, response.message = True, f'{summary.flagged_rows} rows flagged'
        response.episode_index, response.rows = summary.index, summary.frames
        response.verdict = summary.verdict
        return response

    def _on_discard(
        self, request: DiscardEpisode.Request, response: DiscardEpisode.Response
    ) -> DiscardEpisode.Response:
        try:
            self._recording.discard()
            response.success, response.message = True, f'discarded: {request.reason}'
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
        return response

    def _publish_status(self) -> None:
        now = self._node.get_clock().now()
        recording = self._recording
        state = EpisodeStatus.RECORDING if recording.is_open else EpisodeStatus.IDLE
        message = EpisodeStatus(
            state=EpisodeStatus.ERROR if self._message else state,
            episode_index=recording.saved,
            saved_episodes=recording.saved,
            rows=recording.rows,
            flagged_rows=recording.flagged_rows,
            cameras=list(self._robot.camera_names),
            skew_ms=[recording.skew_ns[camera] / 1e6 for camera in self._robot.camera_names],
            rate_hz=[
                self._monitors[camera].rate_hz(now.nanoseconds / 1e9)
                for camera in self._robot.camera_names
            ],
            missing=[topic for topic in self._topics if not self._node.count_publishers(topic)],
            message=self._message,
        )
        message.header.stamp = now.to_msg()
        self._status.publish(message)

    def _camera_health(self, camera: str) -> Health:
        now_s = self._node.get_clock().now().nanoseconds / 1e9
        return rate_health(
            rate_hz=self._monitors[camera].rate_hz(now_s),
            expected_hz=self._robot.camera(camera).rate_hz,
            age_s=self._monitors[camera].age_s(now_s),
        )


def _sync_config(robot: RobotDescription, settings: EpisodeRecorderSettings) -> SyncConfig:
    return SyncConfig(
        record_rate_hz=robot.file.record_rate_hz,
        camera_rate_hz=min(camera.rate_hz for camera in robot.cameras),
        max_skew_s=settings.camera_budget_s or None,
        max_state_gap_s=settings.state_budget_s,
    )


def _episode_info(request: StartEpisode.Request, *, simulated: bool) -> EpisodeInfo:
    fields = {
        'task': request.task,
        'instruction': request.instruction,
        'split': request.split,
        'condition': request.condition,
        'operator': request.operator_name,
        'checkpoint_id': request.checkpoint_id,
        'plan_hash': request.plan_hash,
        'seed': request.seed,
        'simulated': simulated,
    }
    return from_mapping(EpisodeInfo, fields, source='start request')


def main(args: list[str] | None = None) -> int:
    """Run the episode recorder."""
    return run(EpisodeRecorderProcess, args)
