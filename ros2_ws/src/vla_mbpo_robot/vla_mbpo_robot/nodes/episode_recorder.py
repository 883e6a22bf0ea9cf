"""Node that pairs cameras, joint states and commands into rows and writes episodes."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import rclpy
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import Image
from sensor_msgs.msg import JointState

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.synchronize import SyncConfig
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots.calibration import calibration_hash
from vla_mbpo_msgs.msg import EpisodeStatus
from vla_mbpo_msgs.msg import FrameMetadata
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_msgs.srv import DiscardEpisode
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.conversions import layout_vector
from vla_mbpo_robot.conversions import to_ns
from vla_mbpo_robot.diagnostics import ERROR
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.diagnostics import rate_health
from vla_mbpo_robot.monitor import RateMonitor
from vla_mbpo_robot.nodes.episode_edits import EpisodeEdits
from vla_mbpo_robot.nodes.polling import Poller
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.serials import SerialsListener
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.raw_image import stamped_picture
from vla_mbpo_robot.recording import Recording
from vla_mbpo_robot.settings import EpisodeRecorderSettings
from vla_mbpo_robot.skew import SkewMonitor

STATUS_PERIOD_S = 0.2
OUTCOMES = ('success', 'failure')
"""What an operator may say; 'unlabelled' is for recordings that nobody has judged."""
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
        if not settings.dataset_dir:
            raise VlaMbpoError(
                'parameters of node episode_recorder: dataset_dir: expected a folder'
            )
        spec = DatasetSpec.of_robot(self._robot)
        writer = DatasetWriter.open(
            Path(settings.dataset_dir), spec, min_free_bytes=int(settings.min_free_gib * GIB)
        )
        for left in writer.recovered:
            node.get_logger().warning(f'dataset {writer.root}: {left}')
        self._recording = Recording(writer, spec, _sync_config(self._robot, settings))
        self._message = ''
        self._monitors = {camera: RateMonitor() for camera in self._robot.camera_names}
        self._skews = SkewMonitor(self._robot.camera_names)
        self._status = node.create_publisher(EpisodeStatus, topics.EPISODE_STATUS, qos.LATCHED)
        self._subscribe(node)
        node.create_service(StartEpisode, topics.START_EPISODE, self._on_start)
        node.create_service(FinishEpisode, topics.FINISH_EPISODE, self._on_finish)
        node.create_service(DiscardEpisode, topics.DISCARD_EPISODE, self._on_discard)
        self._edits = EpisodeEdits(node, self._recording)
        self._diagnostics = Diagnostics(node, hardware_id=self._robot.name)
        for camera in self._robot.camera_names:
            self._diagnostics.add(f'{camera} frames', partial(self._camera_health, camera))
        node.create_timer(STATUS_PERIOD_S, self._publish_status)

    def close(self) -> None:
        """Release the dataset.

        The journal of an open episode is kept on a real robot; a cut-short simulated one is worth nothing.
        """
        if self._simulated and self._recording.is_open:
            self._recording.discard()
        self._recording.close()

    def _subscribe(self, node: Node) -> None:
        self._topics = [
            *(topics.image(camera) for camera in self._robot.camera_names),
            topics.JOINT_STATES,
            topics.SAFE_COMMAND,
            topics.TELEOP_COMMAND,
        ]
        self._serials = SerialsListener(node)
        self._poller = Poller(node, after=self._pump)
        for camera in self._robot.camera_names:
            on_metadata = partial(self._on_metadata, camera)
            self._poller.subscribe(
                FrameMetadata, topics.frame_metadata(camera), on_metadata, qos.STREAM
            )
        for camera in self._robot.camera_names:
            on_image = partial(self._on_image, camera)
            # raw: the picture is used where it lies in the message, and no message object is built.
            self._poller.subscribe(
                Image, topics.image(camera), on_image, qos.RECORDED_IMAGE, raw=True
            )
        for topic, callback in (
            (topics.JOINT_STATES, self._on_state),
            (topics.SAFE_COMMAND, self._on_sent),
            (topics.TELEOP_COMMAND, self._on_request),
        ):
            self._poller.subscribe(JointState, topic, callback, qos.STREAM)
        if self._simulated:
            self._poller.subscribe(TwinState, topics.TWIN_STATE, self._on_scene, qos.LATCHED)

    def _on_metadata(self, camera: str, message: FrameMetadata, _: int) -> None:
        self._recording.sync.push_frame_metadata(
            camera,
            capture_ns=to_ns(message.header.stamp),
            frame_number=message.frame_number,
            domain=ClockDomain(message.clock_domain),
        )

    def _on_image(self, camera: str, message: bytes, received_ns: int) -> None:
        receipt_ns = self._receipt_ns(received_ns)
        self._monitors[camera].seen(receipt_ns / 1e9)
        capture_ns, image = stamped_picture(message)
        self._skews.seen(camera, capture_ns)
        self._recording.sync.push_frame(camera, image, capture_ns=capture_ns, receipt_ns=receipt_ns)

    def _on_state(self, message: JointState, received_ns: int) -> None:
        state = layout_vector(self._robot.state, message)
        stamp_ns = to_ns(message.header.stamp)
        receipt_ns = self._receipt_ns(received_ns)
        self._recording.sync.push_state(stamp_ns, state, receipt_ns=receipt_ns)

    def _on_sent(self, message: JointState, received_ns: int) -> None:
        command = layout_vector(self._robot.action, message)
        stamp_ns = to_ns(message.header.stamp)
        receipt_ns = self._receipt_ns(received_ns)
        self._recording.sync.push_sent(stamp_ns, command, receipt_ns=receipt_ns)

    def _on_request(self, message: JointState, received_ns: int) -> None:
        command = layout_vector(self._robot.action, message)
        self._recording.sync.push_requested(
            to_ns(message.header.stamp),
            command,
            Source.TELEOP,
            receipt_ns=self._receipt_ns(received_ns),
        )

    def _on_scene(self, message: TwinState, _: int) -> None:
        self._recording.sync.push_success(to_ns(message.header.stamp), message.success)

    def _receipt_ns(self, received_ns: int) -> int:
        """Time of reception on the clock of the stamps: in the twin that is simulated time."""
        return self._now_ns() if self._simulated else received_ns

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)

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
            info = replace(
                _episode_info(request, simulated=self._simulated),
                robot_serials=self._serials.text,
                calibration_hash=calibration_hash(self._robot.name),
            )
            response.episode_index = self._recording.start(info, self._now_ns())
            response.success, response.message, self._message = True, 'recording', ''
            self._publish_status()
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
        return response

    def _on_finish(
        self, request: FinishEpisode.Request, response: FinishEpisode.Response
    ) -> FinishEpisode.Response:
        try:
            result = _episode_result(request)
            summary = self._recording.finish(result)
        except DatasetError as error:
            # Its rows are kept; the state stays ERROR until the next start, so that everybody learns of it.
            response.success, response.message = False, str(error)
            self._message = str(error)
            self._publish_status()
            return response
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        self._publish_status()
        response.success = True
        response.message = '; '.join(summary.reasons) or f'{summary.flagged_rows} rows flagged'
        response.episode_index, response.rows = summary.index, summary.frames
        response.verdict = summary.verdict
        return response

    def _on_discard(
        self, request: DiscardEpisode.Request, response: DiscardEpisode.Response
    ) -> DiscardEpisode.Response:
        try:
            self._recording.discard()
            response.success, response.message = True, f'discarded: {request.reason}'
            self._publish_status()
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
            skew_ms=[self._skews.skew_ns(camera) / 1e6 for camera in self._robot.camera_names],
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
        now_s = self._now_ns() / 1e9
        if camera in self._recording.sync.set_back:
            return Health(level=ERROR, message='its clock was set back; its frames are left out')
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
        # The recorder's simulated time follows /clock and may be older than the stamps that it receives.
        max_clock_error_s=None if settings.simulated else settings.clock_budget_s,
    )


def _episode_result(request: FinishEpisode.Request) -> EpisodeResult:
    if request.outcome not in OUTCOMES:
        raise UnknownNameError('outcome', request.outcome, known=OUTCOMES)
    return EpisodeResult(outcome=request.outcome, note=request.note)


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
