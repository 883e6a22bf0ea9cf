"""Runs a node tied to the supervisor that started it: when the supervisor dies, so does the node.

Started as `python -m vla_mbpo_robot.tether package.module:function [arguments]`, with standard input being a pipe
whose other end only the supervisor holds. The kernel closes that end however the supervisor ends, SIGKILL included;
this is why no signal handler, process list or parent check is needed.
"""

import importlib
import os
import signal
import sys
import threading
import time

KILL_AFTER_S = 2.5
"""Time between the end of the supervisor and the end of a node that does not heed SIGTERM."""


def main() -> int | None:
    """Call the entry named by the first argument with the remaining ones as its `sys.argv`."""
    entry, *arguments = sys.argv[1:]
    _hold_lifeline()
    module, function = entry.split(':')
    sys.argv = [module, *arguments]
    result: int | None = getattr(importlib.import_module(module), function)()
    return result


def _hold_lifeline() -> None:
    """Keep the pipe under another number, so that the node finds an empty standard input."""
    lifeline = os.dup(sys.stdin.fileno())
    with open(os.devnull, 'rb') as nothing:  # noqa: PTH123  a device
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True, name='lifeline').start()


def _end_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(KILL_AFTER_S)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == '__main__':
    sys.exit(main())
