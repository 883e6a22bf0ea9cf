"""The main function that every node shares: start, spin, stop cleanly on SIGINT, SIGTERM or when done."""

import signal
import sys
from collections.abc import Callable
from collections.abc import Sequence
from types import FrameType
from typing import Protocol

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from vla_mbpo.errors import VlaMbpoError

# How soon a signal is noticed while nothing happens.
_POLL_S = 0.1


class Job(Protocol):
    """What a process runs: some nodes, and a way to stop what they own."""

    @property
    def nodes(self) -> Sequence[Node]:
        """Nodes to spin."""

    @property
    def finished(self) -> Future:
        """Completed by the job when there is nothing left to do; most never do."""

    def close(self) -> None:
        """Stop hardware, close files; called once, while publishing still works."""


def run(make_job: Callable[[], Job], args: list[str] | None = None) -> int:
    """Spin a job until it is done or interrupted.

    Returns:
        Exit code: 0, or 2 after a `VlaMbpoError`, whose message is printed as one line.
    """
    stop = _Stop()
    # With rclpy's own handlers the context is gone before `close` can publish a last stop command.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    job: Job | None = None
    code = 0
    try:
        job = make_job()
        spin(job, stop)
    except VlaMbpoError as error:
        code = 2
        sys.stderr.write(f'error: {error}\n')
    finally:
        if job is not None:
            job.close()
            for node in job.nodes:
                node.destroy_node()
        rclpy.try_shutdown()
        stop.ignore_further()
    return code


class _Stop:
    """Set by the first SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self.requested = False
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def ignore_further(self) -> None:
        """All is closed: a later signal must not turn a clean end into a failure while Python tidies up."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.requested = True


def spin(job: Job, stop: _Stop) -> None:
    """Run the job's callbacks in one thread until `finished` completes; its exception is raised here."""
    # Several threads cost 2.5 times the processor time and lose images (measured).
    executor = SingleThreadedExecutor()
    for node in job.nodes:
        executor.add_node(node)
    while not (stop.requested or job.finished.done()):
        executor.spin_once(timeout_sec=_POLL_S)
    if job.finished.done():
        job.finished.result()
    executor.shutdown()
