"""What a session sees of the other nodes: recorder, gate, joint states, the twin's detector, disk and calibration."""

import time
from datetime import datetime
from datetime import timezone
from pathlib import Path

from rclpy.node import Node
from sensor_msgs.msg import JointState

from vla_mbpo.robots import RobotDescription
from vla_mbpo_msgs.msg import EpisodeStatus
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.collection_io import Observation
from vla_mbpo_robot.dataset_stock import disk_minutes
from vla_mbpo_robot.dataset_stock import estimated_rate
from vla_mbpo_robot.dataset_stock import read_calibration
from vla_mbpo_robot.dataset_stock import recording_rate
from vla_mbpo_robot.monitor import RateMonitor
from vla_mbpo_robot.operator.preflight import Check
from vla_mbpo_robot.operator.preflight import Situation
from vla_mbpo_robot.operator.preflight import StreamState
from vla_mbpo_robot.operator.preflight import failures
from vla_mbpo_robot.operator.preflight import preflight
from vla_mbpo_robot.settings import SessionSettings

CHECK_PERIOD_S = 0.5
DISK_PERIOD_S = 10.0
SILENCE_S = 5.0
_GATE_STATES = {
    GateState.DISARMED: 'disarmed',
    GateState.ARMED: 'armed',
    GateState.RUNNING: 'running',
    GateState.HOLDING: 'holding',
    GateState.FAULT: 'fault',
}


class SessionView:
    """Subscribes to the others; keeps the newest of each."""

    def __init__(self, node: Node, robot: RobotDescription, settings: SessionSettings) -> None:
        self._node = node
        self._robot = robot
        self._settings = settings
        self.recorder = EpisodeStatus()
        self.checks: tuple[Check, ...] = ()
        """Of the last preflight."""
        self.disk_minutes: float | None = None
        self._scene = TwinState()
        self._gate: GateState | None = None
        self._heard_s: dict[str, float] = {}
        """Wall time of the last message of nodes that speak five times a second."""
        self._states = RateMonitor()
        self._bytes_per_s = estimated_rate(robot)
        self._calibration = read_calibration(robot.name, datetime.now(timezone.utc).date())
        self._checked_s = self._weighed_s = float('-inf')
        if settings.simulated:
            node.create_subscription(TwinState, topics.TWIN_STATE, self._on_scene, qos.LATCHED)
        node.create_subscription(GateState, topics.GATE_STATE, self._on_gate, qos.LATCHED)
        node.create_subscription(
            EpisodeStatus, topics.EPISODE_STATUS, self._on_recorder, qos.LATCHED
        )
        # raw: only the rate counts.
        node.create_subscription(
            JointState, topics.JOINT_STATES, self._on_state, qos.STREAM, raw=True
        )

    def observe(self, missing_services: list[str]) -> Observation:
        """What the session's state machine has to know now."""
        if time.monotonic() - self._checked_s > CHECK_PERIOD_S:
            self._check()
        is_lost = self.recorder.state == EpisodeStatus.ERROR
        return Observation(
            missing=(*missing_services, *self._silent()),
            failures=failures(self.checks),
            fault=self._fault(),
            hang=self._hang(),
            loss=f'episode recorder: {self.recorder.message}' if is_lost else '',
            is_success=self._scene.success,
        )

    def _fault(self) -> str:
        if self._gate is not None and self._gate.state == GateState.FAULT:
            return f'command gate fault: {self._gate.reason}'
        return ''

    def _hang(self) -> str:
        """Who of gate and recorder, which speak five times a second, is silent. A hung twin stops their clock."""
        for topic, seen_s in self._heard_s.items():
            if time.monotonic() - seen_s > SILENCE_S:
                return f'nothing on {topic} for {SILENCE_S:g} s: its node or the clock hangs'
        return ''

    def weigh(self) -> None:
        """Measure how much a recording takes, from the episodes that are saved now."""
        self._bytes_per_s = recording_rate(Path(self._settings.dataset_dir), self._robot)

    def now_s(self) -> float:
        """Time of the robot's clock."""
        return float(self._node.get_clock().now().nanoseconds / 1e9)

    def _silent(self) -> list[str]:
        """Streams that are not there yet."""
        rates = dict(zip(self.recorder.cameras, self.recorder.rate_hz, strict=True))
        silent = [f'{name} images' for name in self._robot.camera_names if not rates.get(name, 0.0)]
        return [*silent, *self.recorder.missing]

    def _check(self) -> None:
        self._checked_s = time.monotonic()
        if self._checked_s - self._weighed_s > DISK_PERIOD_S:
            self._weighed_s = self._checked_s
            self.disk_minutes = disk_minutes(Path(self._settings.dataset_dir), self._bytes_per_s)
        gate = self._gate
        self.checks = preflight(
            Situation(
                streams=self._streams(),
                missing=self.recorder.missing,
                gate_state=_GATE_STATES[gate.state] if gate else '',
                gate_reason=gate.reason if gate else '',
                recorder_error=self.recorder.message,
                disk_minutes=self.disk_minutes,
                calibration=self._calibration,
                simulated=self._settings.simulated,
            )
        )

    def _streams(self) -> dict[str, StreamState]:
        status = self.recorder
        rates = dict(zip(status.cameras, status.rate_hz, strict=True))
        skews = dict(zip(status.cameras, status.skew_ms, strict=True))
        found: dict[str, StreamState] = {
            camera.name: StreamState(
                rate_hz=rates.get(camera.name, 0.0),
                expected_hz=camera.rate_hz,
                skew_ms=abs(skews.get(camera.name, 0.0)),
                skew_budget_ms=500.0 / camera.rate_hz,
            )
            for camera in self._robot.cameras
        }
        states = StreamState(
            rate_hz=self._states.rate_hz(self.now_s()), expected_hz=self._settings.state_rate_hz
        )
        return {**found, 'joint_states': states}

    def _on_scene(self, message: TwinState) -> None:
        self._scene = message

    def _on_gate(self, message: GateState) -> None:
        self._gate = message
        self._heard_s[topics.GATE_STATE] = time.monotonic()

    def _on_recorder(self, message: EpisodeStatus) -> None:
        self.recorder = message
        self._heard_s[topics.EPISODE_STATUS] = time.monotonic()

    def _on_state(self, _: bytes) -> None:
        self._states.seen(self.now_s())
