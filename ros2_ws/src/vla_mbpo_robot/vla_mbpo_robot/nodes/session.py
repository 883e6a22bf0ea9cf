"""Node that runs a collection session: resets, starts and ends episodes until enough are saved."""

import sys
import time
from dataclasses import asdict

import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.task import Future
from std_srvs.srv import SetBool

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo.tasks.spec import check_robot
from vla_mbpo_msgs.msg import EpisodeStatus
from vla_mbpo_msgs.msg import GateState
from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_msgs.msg import TwinState
from vla_mbpo_msgs.srv import DiscardEpisode
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import ResetScene
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.collection import Attempt
from vla_mbpo_robot.collection import Tally
from vla_mbpo_robot.collection import conditions_for
from vla_mbpo_robot.collection import next_attempt
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.waiting import Waiter
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.progress import to_line
from vla_mbpo_robot.settings import SessionSettings

START_S = 0.1
SWITCH_TIMEOUT_S = 5.0


class SessionProcess:
    """Collects the wanted number of episodes, then ends; in the twin the success detector labels them."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('session')
        self.nodes = (node,)
        self._node = node
        settings = declare(node, SessionSettings)
        robot = load_robot(settings.robot)
        self._task = load_task(settings.task)
        check_robot(self._task, robot.name)
        self._settings = settings
        self._cameras = robot.camera_names
        self._conditions = conditions_for(self._task, settings.condition)
        self._tally = Tally(wanted=settings.episodes or self._task.demonstrations)
        self._phase = SessionStatus.PREPARING
        self._scene = TwinState()
        self._gate = GateState()
        self._recorder = EpisodeStatus()
        self._waiter = Waiter(node)
        self._reset = node.create_client(ResetScene, topics.RESET_SCENE)
        self._arm = node.create_client(SetBool, topics.ARM_GATE)
        self._engage = node.create_client(SetBool, topics.ENGAGE_TELEOP)
        self._start = node.create_client(StartEpisode, topics.START_EPISODE)
        self._finish = node.create_client(FinishEpisode, topics.FINISH_EPISODE)
        self._discard = node.create_client(DiscardEpisode, topics.DISCARD_EPISODE)
        self._status = node.create_publisher(SessionStatus, topics.SESSION_STATUS, qos.LATCHED)
        node.create_subscription(TwinState, topics.TWIN_STATE, self._on_scene, qos.LATCHED)
        node.create_subscription(GateState, topics.GATE_STATE, self._on_gate, qos.LATCHED)
        node.create_subscription(
            EpisodeStatus, topics.EPISODE_STATUS, self._on_recorder, qos.LATCHED
        )
        self._diagnostics = Diagnostics(node, hardware_id=robot.name)
        self._diagnostics.add('session', self._health)
        self._kickoff = node.create_timer(
            START_S,
            self._main,
            callback_group=ReentrantCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def close(self) -> None:
        """Nothing is owned here."""

    async def _main(self) -> None:
        self._kickoff.cancel()
        try:
            await self._collect()
        except VlaMbpoError as error:
            self._report(SessionStatus.FAILED, str(error))
            self.finished.set_exception(error)
        else:
            self._report(SessionStatus.DONE, f'{self._tally.saved} episodes saved')
            self.finished.set_result(None)

    async def _collect(self) -> None:
        if not self._settings.simulated:
            raise VlaMbpoError(
                'this version runs sessions in the twin only (simulate:=true); a session at a '
                'real robot needs an operator to label it'
            )
        await self._wait_ready()
        while not self._tally.is_complete:
            attempt = next_attempt(
                self._tally,
                self._conditions,
                first_seed=self._settings.seed,
                max_attempts=self._settings.max_attempts,
            )
            await self._episode(attempt)

    async def _episode(self, attempt: Attempt) -> None:
        """Reset, record until success or the time limit, label, save or discard."""
        self._report(SessionStatus.PREPARING, f'scene {attempt.seed}, {attempt.condition.name}')
        await self._prepare(attempt)
        await self._waiter.call(self._start, self._start_request(attempt))
        await self._switch_on(self._engage)
        self._report(SessionStatus.RUNNING, f'episode {self._tally.saved + 1}')
        succeeded = await self._until_success()
        await self._waiter.call(self._engage, SetBool.Request(data=False))
        self._report(SessionStatus.SAVING, 'success' if succeeded else 'failure')
        await self._save(succeeded=succeeded)
        await self._waiter.call(self._arm, SetBool.Request(data=False))

    async def _prepare(self, attempt: Attempt) -> None:
        """Lay out the scene while the gate is disarmed, then arm it on the settled robot."""
        request = ResetScene.Request(seed=attempt.seed, condition=attempt.condition.name)
        await self._waiter.call(self._reset, request)
        await self._waiter.sleep(self._settings.settle_s)
        await self._switch_on(self._arm)

    async def _switch_on(self, client: Client) -> None:
        """Arm or engage; on a busy machine a node may need a moment until it has what it needs."""
        deadline_s = time.monotonic() + SWITCH_TIMEOUT_S
        while refusal := await self._refusal(client, SetBool.Request(data=True)):
            if time.monotonic() > deadline_s:
                raise VlaMbpoError(refusal)
            await self._waiter.sleep(0.05)

    async def _refusal(self, client: Client, request: SetBool.Request) -> str:
        """Why a service refuses, or ''."""
        try:
            await self._waiter.call(client, request)
        except VlaMbpoError as error:
            return str(error)
        return ''

    async def _until_success(self) -> bool:
        """Wait for the detector; raises if gate or recorder fail meanwhile."""
        deadline_s = self._now_s() + self._task.time_limit_s
        while self._now_s() < deadline_s:
            if self._gate.state == GateState.FAULT:
                raise VlaMbpoError(f'command gate fault: {self._gate.reason}')
            if self._recorder.state == EpisodeStatus.ERROR:
                raise VlaMbpoError(f'episode recorder: {self._recorder.message}')
            if self._scene.success:
                await self._waiter.sleep(self._settings.tail_s)
                return True
            await self._waiter.sleep(0.1)
        return False

    async def _save(self, *, succeeded: bool) -> None:
        if succeeded or self._settings.keep_failures:
            outcome = 'success' if succeeded else 'failure'
            await self._waiter.call(self._finish, FinishEpisode.Request(outcome=outcome))
            self._tally = self._tally.with_saved(succeeded=succeeded)
        else:
            await self._waiter.call(self._discard, DiscardEpisode.Request(reason='failed'))
            self._tally = self._tally.with_discarded()

    async def _wait_ready(self) -> None:
        self._report(SessionStatus.PREPARING, 'waiting for the other nodes')
        ready = await self._waiter.until(
            lambda: not self._missing(), timeout_s=self._settings.ready_timeout_s
        )
        if not ready:
            raise VlaMbpoError(
                f'not ready after {self._settings.ready_timeout_s:g} s: no '
                + ', '.join(self._missing())
            )

    def _missing(self) -> list[str]:
        """Services and streams that are not there yet."""
        clients = (
            self._reset,
            self._arm,
            self._engage,
            self._start,
            self._finish,
            self._discard,
        )
        missing = [client.srv_name for client in clients if not client.service_is_ready()]
        rates = dict(zip(self._recorder.cameras, self._recorder.rate_hz, strict=True))
        missing += [f'{name} images' for name in self._cameras if not rates.get(name, 0.0)]
        return [*missing, *self._recorder.missing]

    def _start_request(self, attempt: Attempt) -> StartEpisode.Request:
        condition = attempt.condition
        return StartEpisode.Request(
            task=self._task.name,
            instruction=condition.instruction or self._task.instruction,
            split=condition.split,
            condition=condition.name,
            operator_name=self._settings.operator,
            seed=attempt.seed,
        )

    def _now_s(self) -> float:
        return float(self._node.get_clock().now().nanoseconds / 1e9)

    def _on_scene(self, message: TwinState) -> None:
        self._scene = message

    def _on_gate(self, message: GateState) -> None:
        self._gate = message

    def _on_recorder(self, message: EpisodeStatus) -> None:
        self._recorder = message

    def _report(self, phase: int, message: str) -> None:
        """Publish the status, and write one line that a supervisor can read."""
        self._phase = phase
        tally = asdict(self._tally)
        status = SessionStatus(phase=phase, task=self._task.name, message=message, **tally)
        status.header.stamp = self._node.get_clock().now().to_msg()
        self._status.publish(status)
        line = to_line(Progress(phase=phase, message=message, **tally))
        sys.stdout.write(f'{line}\n')
        sys.stdout.flush()

    def _health(self) -> Health:
        return Health(
            level=OK,
            message=f'{self._tally.saved} of {self._tally.wanted} saved',
            values=asdict(self._tally),
        )


def main(args: list[str] | None = None) -> int:
    """Run a collection session."""
    return run(SessionProcess, args)
