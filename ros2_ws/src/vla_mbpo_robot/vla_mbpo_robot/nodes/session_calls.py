"""Requests of a session as service calls, each answered within a bounded time."""

import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool

from vla_mbpo_msgs.srv import DiscardEpisode
from vla_mbpo_msgs.srv import EditEpisode
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import ResetScene
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_msgs.srv import StopEpisode
from vla_mbpo_robot import topics
from vla_mbpo_robot.collection_io import Answer
from vla_mbpo_robot.collection_io import Arm
from vla_mbpo_robot.collection_io import Discard
from vla_mbpo_robot.collection_io import Edit
from vla_mbpo_robot.collection_io import Engage
from vla_mbpo_robot.collection_io import Request
from vla_mbpo_robot.collection_io import Reset
from vla_mbpo_robot.collection_io import Save
from vla_mbpo_robot.collection_io import Start
from vla_mbpo_robot.collection_io import Stop
from vla_mbpo_robot.quota import Attempt
from vla_mbpo_robot.quota import Goal

CALL_TIMEOUT_S = 20.0
OUTCOMES = {True: 'success', False: 'failure'}


@dataclass(frozen=True, kw_only=True)
class _Call:
    request: Request
    client: Client
    future: Future
    deadline_s: float


class SessionCalls:
    """Sends requests and hands their answers back in the order in which they came."""

    def __init__(self, node: Node, goal: Goal, *, operator: str, simulated: bool) -> None:
        self._goal = goal
        self._operator = operator
        self._open: list[_Call] = []
        self._clients: dict[type, Client] = {
            Arm: node.create_client(SetBool, topics.ARM_GATE),
            Engage: node.create_client(SetBool, topics.ENGAGE_TELEOP),
            Start: node.create_client(StartEpisode, topics.START_EPISODE),
            Stop: node.create_client(StopEpisode, topics.STOP_EPISODE),
            Save: node.create_client(FinishEpisode, topics.FINISH_EPISODE),
            Discard: node.create_client(DiscardEpisode, topics.DISCARD_EPISODE),
            Edit: node.create_client(EditEpisode, topics.EDIT_EPISODE),
        }
        if simulated:
            self._clients[Reset] = node.create_client(ResetScene, topics.RESET_SCENE)

    def missing(self) -> list[str]:
        """Services that nobody offers yet."""
        clients = self._clients.values()
        return [client.srv_name for client in clients if not client.service_is_ready()]

    def send(self, request: Request) -> None:
        """Call the service of a request."""
        client = self._clients[type(request)]
        future = client.call_async(self._message(request))
        deadline_s = time.monotonic() + CALL_TIMEOUT_S
        self._open.append(
            _Call(request=request, client=client, future=future, deadline_s=deadline_s)
        )

    def answers(self) -> Iterator[tuple[Request, Answer]]:
        """What was answered since, or is given up."""
        now_s = time.monotonic()
        over = [call for call in self._open if call.future.done() or now_s > call.deadline_s]
        for call in over:
            self._open.remove(call)
            yield call.request, _answer(call)

    def _message(self, request: Request) -> Any:  # noqa: ANN401  generated types
        makers: dict[type, Callable[[Any], Any]] = {
            Arm: lambda r: SetBool.Request(data=r.on),
            Engage: lambda r: SetBool.Request(data=r.on),
            Start: lambda r: self._start(r.attempt),
            Stop: lambda _: StopEpisode.Request(),
            Save: lambda r: FinishEpisode.Request(outcome=OUTCOMES[r.succeeded]),
            Discard: lambda r: DiscardEpisode.Request(reason=r.reason),
            Edit: self._edit,
            Reset: lambda r: ResetScene.Request(
                seed=r.attempt.seed, condition=r.attempt.condition.name
            ),
        }
        return makers[type(request)](request)

    def _start(self, attempt: Attempt) -> StartEpisode.Request:
        condition = attempt.condition
        return StartEpisode.Request(
            task=self._goal.task.name,
            instruction=condition.instruction or self._goal.task.instruction,
            split=condition.split,
            condition=condition.name,
            operator_name=self._operator,
            seed=attempt.seed if Reset in self._clients else -1,
        )

    def _edit(self, edit: Edit) -> EditEpisode.Request:
        return EditEpisode.Request(
            action=edit.action,
            episode_index=max(edit.episode, 0),
            outcome=OUTCOMES[edit.succeeded] if edit.action == 'relabel' else '',
            operator_name=self._operator,
        )


def _answer(call: _Call) -> Answer:
    name = call.client.srv_name
    if not call.future.done():
        call.client.remove_pending_request(call.future)
        message = f'service {name} gave no answer in {CALL_TIMEOUT_S:g} s'
        return Answer(is_done=False, message=message)
    response = call.future.result()
    if not response.success:
        return Answer(is_done=False, message=f'service {name} refused: {response.message}')
    return Answer(
        is_done=True,
        message=response.message,
        verdict=_verdict(response),
        episode=getattr(response, 'episode_index', -1),
    )


def _verdict(response: Any) -> str:  # noqa: ANN401  generated types
    """'good: 112 rows', or 'usable: SKEW_OVER_BUDGET in 3 of 112 rows'; '' where the service gives none."""
    verdict = getattr(response, 'verdict', '')
    if not verdict:
        return ''
    is_good = verdict == 'good'
    return f'{verdict}: {response.rows} rows' if is_good else f'{verdict}: {response.message}'
