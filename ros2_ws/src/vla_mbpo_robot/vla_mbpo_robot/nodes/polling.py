"""Subscriptions that are emptied fifty times a second instead of being waited for.

rclpy builds its wait set anew for every message, which costs more than all that a recorder does with one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

POLL_S = 0.02


class _NotWaitedFor(CallbackGroup):
    """Keeps subscriptions and their events out of the executor's wait set."""

    def can_execute(self, entity: object) -> bool:
        return False

    def beginning_execution(self, entity: object) -> bool:
        return False

    def ending_execution(self, entity: object) -> None:
        """Nothing was begun."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Polled:
    subscription: Subscription
    callback: Callable[[Any, int], None]


class Poller:
    """Subscriptions of one node; callbacks run in the executor's thread, in batches, in the order of `subscribe`."""

    def __init__(self, node: Node, *, after: Callable[[], None] = lambda: None) -> None:
        """`after` is called after each batch that held a message."""
        self._node = node
        self._after = after
        self._group = _NotWaitedFor()
        self._polled: list[_Polled] = []
        # Wall time: simulated time may stand still while messages arrive.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(POLL_S, self._poll, clock=clock)

    def subscribe(
        self,
        kind: type,
        topic: str,
        callback: Callable[[Any, int], None],
        profile: QoSProfile,
        *,
        raw: bool = False,
    ) -> None:
        """Call `callback` with every message (its bytes, if `raw`) and its time of reception in ns.

        That is when the middleware got it, on the host's clock, however late the callback is. The profile's depth must
        last for `POLL_S`.
        """
        subscription = self._node.create_subscription(
            kind, topic, callback, profile, callback_group=self._group, raw=raw
        )
        self._polled.append(_Polled(subscription=subscription, callback=callback))

    def _poll(self) -> None:
        taken = sum(_drain(polled) for polled in self._polled)
        if taken:
            self._after()


def _drain(polled: _Polled) -> int:
    """Hand over what has arrived on one subscription, at most as much as it can hold."""
    subscription = polled.subscription
    depth: int = subscription.qos_profile.depth
    handle = subscription.handle
    with handle:
        for count in range(depth):
            found = handle.take_message(subscription.msg_type, subscription.raw)
            if found is None:
                return count
            message, information = found
            polled.callback(message, information['received_timestamp'])
    return depth
