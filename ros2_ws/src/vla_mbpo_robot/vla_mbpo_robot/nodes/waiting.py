"""Awaitable sleeps, conditions and service calls for coroutines that an executor runs, all bounded."""

import time
from collections.abc import Callable
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.client import Client
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.task import Future

from vla_mbpo.errors import VlaMbpoError

POLL_S = 0.05
CALL_TIMEOUT_S = 20.0


class Waiter:
    """Waiting on behalf of one node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._wall = Clock(clock_type=ClockType.STEADY_TIME)
        self._group = ReentrantCallbackGroup()

    async def sleep(self, duration_s: float) -> None:
        """Let `duration_s` of the node's clock pass (simulated time in the twin)."""
        if duration_s > 0:
            await self._timer(duration_s, self._node.get_clock())

    async def until(self, is_true: Callable[[], bool], *, timeout_s: float) -> bool:
        """Wait until `is_true()`; False if that took longer than `timeout_s` of wall time."""
        deadline_s = time.monotonic() + timeout_s
        while not is_true():
            if time.monotonic() > deadline_s:
                return False
            await self._timer(POLL_S, self._wall)
        return True

    async def call(self, client: Client, request: Any) -> Any:  # noqa: ANN401  generated types
        """Answer of a service.

        Raises:
            VlaMbpoError: no answer within 20 s, or the service refused; carries its message.
        """
        future = client.call_async(request)
        if not await self.until(future.done, timeout_s=CALL_TIMEOUT_S):
            raise VlaMbpoError(f'service {client.srv_name} gave no answer in {CALL_TIMEOUT_S:g} s')
        response = future.result()
        if not response.success:
            raise VlaMbpoError(f'service {client.srv_name} refused: {response.message}')
        return response

    async def _timer(self, duration_s: float, clock: Clock) -> None:
        done = Future()
        timer = self._node.create_timer(
            duration_s, lambda: done.set_result(None), callback_group=self._group, clock=clock
        )
        await done
        self._node.destroy_timer(timer)
