"""Processes of a ROS graph for benchmarks: started, measured by their processor time, stopped."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from vla_mbpo_robot.bringup import node_environment

DOMAIN = '87'


def environment() -> dict[str, str]:
    """Environment of the nodes, in a ROS domain of the benchmarks' own."""
    log_dir = tempfile.mkdtemp(prefix='vla_mbpo_bench_log_')
    atexit.register(shutil.rmtree, log_dir, ignore_errors=True)
    return node_environment({**os.environ, 'ROS_DOMAIN_ID': DOMAIN, 'ROS_LOG_DIR': log_dir})


@contextmanager
def running(
    commands: Mapping[str, list[str]], env: Mapping[str, str]
) -> Iterator[dict[str, psutil.Process]]:
    """Start named commands, yield their processes, stop them with SIGINT."""
    children = {
        name: subprocess.Popen(command, env=dict(env), start_new_session=True)
        for name, command in commands.items()
    }
    try:
        yield {name: psutil.Process(child.pid) for name, child in children.items()}
    finally:
        for child in children.values():
            child.send_signal(signal.SIGINT)
        for child in children.values():
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:  # noqa: PERF203  two children
                child.kill()


def executable(name: str) -> str:
    """Path of a node executable beside this Python."""
    return str(Path(sys.executable).parent / name)


def cpu_s(process: psutil.Process) -> float:
    """Processor seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
