"""Node that runs a collection session: a `Collection` between the operator and the other nodes."""

import time
from dataclasses import asdict
from pathlib import Path

import rclpy
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.task import Future

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo.tasks.spec import check_robot
from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_msgs.srv import OperatorInput
from vla_mbpo_robot import qos
from vla_mbpo_robot import topics
from vla_mbpo_robot.collection import Collection
from vla_mbpo_robot.collection_io import Action
from vla_mbpo_robot.collection_io import Announce
from vla_mbpo_robot.collection_io import Answer
from vla_mbpo_robot.collection_io import Moment
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.collection_io import Recall
from vla_mbpo_robot.collection_io import Rules
from vla_mbpo_robot.collection_io import Save
from vla_mbpo_robot.collection_io import Sound
from vla_mbpo_robot.dataset_stock import read_stock
from vla_mbpo_robot.diagnostics import ERROR
from vla_mbpo_robot.diagnostics import OK
from vla_mbpo_robot.diagnostics import Diagnostics
from vla_mbpo_robot.diagnostics import Health
from vla_mbpo_robot.nodes.runtime import run
from vla_mbpo_robot.nodes.session_calls import SessionCalls
from vla_mbpo_robot.nodes.session_report import SessionReport
from vla_mbpo_robot.nodes.session_view import SessionView
from vla_mbpo_robot.operator.devices import OperatorDevices
from vla_mbpo_robot.operator.events import parse_event
from vla_mbpo_robot.params import declare
from vla_mbpo_robot.quota import goal_of
from vla_mbpo_robot.settings import SessionSettings

TICK_S = 0.05


class SessionProcess:
    """Collects until the dataset holds what is wanted; in the twin the success detector can be the operator."""

    def __init__(self) -> None:
        self.finished = Future()
        node = rclpy.create_node('session')
        self.nodes = (node,)
        self._node = node
        settings = declare(node, SessionSettings)
        robot, task = load_robot(settings.robot), load_task(settings.task)
        check_robot(task, robot.name)
        if not settings.dataset_dir:
            raise VlaMbpoError('parameters of node session: dataset_dir: expected a folder')
        self._root = Path(settings.dataset_dir)
        self._goal = goal_of(
            task, condition=settings.condition, split=settings.split, episodes=settings.episodes
        )
        self._collection = Collection(self._goal, _rules(settings, task.time_limit_s))
        self._devices = OperatorDevices(pedal_device=settings.pedal, pedal_keys=settings.pedal_keys)
        self._view = SessionView(node, robot, settings)
        self._calls = SessionCalls(
            node, self._goal, operator=settings.operator, simulated=settings.simulated
        )
        publisher = node.create_publisher(SessionStatus, topics.SESSION_STATUS, qos.LATCHED)
        self._report = SessionReport(
            self._goal, self._collection, self._view, publisher, settings, self._devices.terminal
        )
        node.create_service(OperatorInput, topics.SESSION_INPUT, self._on_input)
        self._diagnostics = Diagnostics(node, hardware_id=robot.name)
        self._diagnostics.add('session', self._health)
        self._timer = node.create_timer(
            TICK_S, self._on_tick, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def close(self) -> None:
        """Give terminal and pedal back."""
        self._devices.close()
        self._report.close()

    def _on_tick(self) -> None:
        collection = self._collection
        now = Moment(time_s=self._view.now_s(), wall_s=time.monotonic())
        missing = self._calls.missing() if collection.phase is Phase.WAITING else []
        self._do(collection.tick(now, self._view.observe(missing)))
        for request, answer in self._calls.answers():
            self._do(collection.answer(request, answer))
            if isinstance(request, Save):
                self._view.weigh()
        for pressed in self._devices.queue.drain():
            self._node.get_logger().debug(f'{pressed.event.value} from {pressed.source}')
            self._do(collection.press(pressed.event))
        self._report.update(self._node.get_clock().now().to_msg())
        if collection.is_finished and not self.finished.done():
            self._timer.cancel()
            if collection.error:
                self.finished.set_exception(VlaMbpoError(collection.error))
            else:
                self.finished.set_result(None)

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            if isinstance(action, Sound):
                self._report.sound(action.cue)
            elif isinstance(action, Announce):
                self._node.get_logger().warning(action.text)
            elif isinstance(action, Recall):
                self._do(self._collection.answer(action, self._recall()))
            else:
                self._calls.send(action)

    def _recall(self) -> Answer:
        self._view.weigh()
        try:
            return Answer(is_done=True, stock=read_stock(self._root, self._goal))
        except VlaMbpoError as error:
            return Answer(is_done=False, message=str(error))

    def _on_input(
        self, request: OperatorInput.Request, response: OperatorInput.Response
    ) -> OperatorInput.Response:
        try:
            event = parse_event(request.event, where=topics.SESSION_INPUT)
        except VlaMbpoError as error:
            response.success, response.message = False, str(error)
            return response
        self._devices.put(event, request.source or topics.SESSION_INPUT)
        response.success, response.message = True, f'{event.value} is queued'
        return response

    def _health(self) -> Health:
        collection = self._collection
        return Health(
            level=ERROR if collection.error else OK,
            message=collection.error or f'{collection.phase.name.lower()}: {collection.message}',
            values=asdict(collection.tally),
        )


def _rules(settings: SessionSettings, time_limit_s: float) -> Rules:
    is_attended = settings.attended or not settings.simulated
    return Rules(
        is_attended=is_attended,
        is_simulated=settings.simulated,
        first_seed=settings.seed,
        settle_s=settings.settle_s,
        tail_s=settings.tail_s,
        # A countdown is for people.
        countdown_s=settings.countdown_s if is_attended else 0.0,
        time_limit_s=time_limit_s,
        keeps_failures=settings.keep_failures,
        max_attempts=settings.max_attempts,
        ready_timeout_s=settings.ready_timeout_s,
    )


def main(args: list[str] | None = None) -> int:
    """Run a collection session."""
    return run(SessionProcess, args)
