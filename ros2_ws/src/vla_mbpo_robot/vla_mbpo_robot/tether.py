"""Runs a node tied to the supervisor that started it: when the supervisor dies, so does the node.

Started as `python -m vla_mbpo_robot.tether package.module:function [arguments]`, with standard input being a pipe
whose other end only the supervisor holds. The kernel closes that end however the supervisor ends, SIGKILL included;
this is why no signal handler, process list or parent check is needed. What the supervisor writes into the pipe is for
nodes that ask: they find the descriptor of another pipe in the environment. Nobody is held up by one that does not.
"""

import contextlib
import importlib
import os
import signal
import sys
import threading
import time

KILL_AFTER_S = 2.5
"""Time between the end of the supervisor and the end of a node that does not heed SIGTERM."""
LINES_VARIABLE = 'VLA_MBPO_LINES_FD'
"""Names the descriptor from which a node reads what the supervisor sends it."""
_ATOMIC_BYTES = 4096
"""Linux's PIPE_BUF: a pipe takes that much whole or not at all."""


def main() -> int | None:
    """Call the entry named by the first argument with the remaining ones as its `sys.argv`."""
    # Until the node takes over: nothing is open yet, and Python would print where its import was interrupted.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    entry, *arguments = sys.argv[1:]
    _hold_lifeline()
    module, function = entry.split(':')
    sys.argv = [module, *arguments]
    result: int | None = getattr(importlib.import_module(module), function)()
    return result


def _hold_lifeline() -> None:
    """Keep the pipe under another number, so that the node finds an empty standard input; pass the lines on."""
    lifeline = os.dup(sys.stdin.fileno())
    with open(os.devnull, 'rb') as nothing:  # noqa: PTH123  a device
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    lines, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.environ[LINES_VARIABLE] = str(lines)
    threading.Thread(
        target=_watch, args=(lifeline, write_end), daemon=True, name='lifeline'
    ).start()


def _watch(lifeline: int, write_end: int) -> None:
    while data := os.read(lifeline, _ATOMIC_BYTES):
        with contextlib.suppress(BlockingIOError):  # the node does not read; the line is lost
            os.write(write_end, data)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(KILL_AFTER_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == '__main__':
    sys.exit(main())
