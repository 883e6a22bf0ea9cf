"""Recording 30 s of three 640x480 cameras at 15 Hz: our writer, our recorder in a ROS graph, and lerobot's two paths.

In the graph the cameras deliver at 15 Hz, and once more at their own 30 Hz, of which the recorder keeps half. lerobot
runs in the environment that `make conformance` makes. Targets of the recorder process at 15 Hz: 4 CPU-s, 0.3 s from
stop to ready, no dropped row.
Use: record.py [SECONDS]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import _episodes
import _graph
import numpy as np
import rclpy

from vla_mbpo.episodes.clock import NS_PER_S
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import FLAGS
from vla_mbpo.episodes.schema import TICK_NS
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot
from vla_mbpo_msgs.srv import FinishEpisode
from vla_mbpo_msgs.srv import StartEpisode
from vla_mbpo_robot import topics

FULL_S = 30.0
TARGET_CPU_S, TARGET_READY_S = 4.0, 0.3
SETTLE_S = 2.0
REQUEST_S = 20.0
PICTURES = 30
INFO = EpisodeInfo(task='pick_cup', instruction='pick up the cup')


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one recorder needed for one episode."""

    name: str
    cpu_s: float
    ready_s: float
    """From stop until the next episode may start."""
    dropped: int
    """Rows or pictures that are missing or stand in for others."""
    flagged: int | None = None
    """Rows with a flag, also for what the sender was late with; None where there are no flags."""

    def line(self) -> str:
        """For the printed table."""
        flagged = '' if self.flagged is None else f'  {self.flagged:4d} flagged'
        return (
            f'{self.name:<34} {self.cpu_s:7.2f} CPU-s  {self.ready_s:7.3f} s to ready  '
            f'{self.dropped:4d} dropped{flagged}'
        )


def writer(seconds: float) -> Figures:
    """The dataset writer alone, fed in real time by this process."""
    spec = _episodes.spec()
    scenes = {name: _episodes.Scene(i) for i, name in enumerate(spec.camera_names)}
    ring = [{name: s.picture(k) for name, s in scenes.items()} for k in range(PICTURES)]
    rows = round(seconds * spec.fps)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'set'
        with DatasetWriter.open(root, spec) as dataset:
            start_s, start_cpu_s = time.monotonic(), time.process_time()
            episode = dataset.start(INFO)
            for k in range(rows):
                time.sleep(max(start_s + k / spec.fps - time.monotonic(), 0.0))
                episode.add(_episodes.row(k, ring[k % PICTURES], spec))
            stop_s = time.monotonic()
            episode.finish(EpisodeResult(outcome='success'))
            following = dataset.start(INFO)
            ready_s = time.monotonic() - stop_s
            cpu_s = time.process_time() - start_cpu_s
            following.discard()
        dropped, flagged = lost(root)
    return Figures(
        name='ours, writer alone', cpu_s=cpu_s, ready_s=ready_s, dropped=dropped, flagged=flagged
    )


def lost(root: Path) -> tuple[int, int]:
    """Rows that are missing or have the picture of another row; rows with any flag."""
    with DatasetReader(root) as reader:
        episode, fps = reader.episode(0), reader.spec.fps
    flags, ticks = episode[FLAGS], episode[TICK_NS]
    expected = round(int(ticks[-1] - ticks[0]) * fps / NS_PER_S) + 1
    stalled = np.count_nonzero(flags & Flag.ENCODER_STALL)
    return max(expected - len(ticks), 0) + stalled, np.count_nonzero(flags)


class Operator:
    """Calls the recorder's services."""

    def __init__(self) -> None:
        self._node = rclpy.create_node('bench_operator', namespace=f'/{_episodes.ROBOT}')
        kinds = {
            topics.START_EPISODE: StartEpisode,
            topics.FINISH_EPISODE: FinishEpisode,
        }
        self._clients = {n: self._node.create_client(kind, n) for n, kind in kinds.items()}
        for name, client in self._clients.items():
            if not client.wait_for_service(REQUEST_S):
                sys.exit(f'record: {name} did not appear')

    def call(self, name: str, request: object) -> None:
        """Call a service; ends the benchmark where it fails."""
        future = self._clients[name].call_async(request)
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=REQUEST_S)
        if not future.done() or not future.result().success:
            answer = future.result().message if future.done() else 'no answer'
            sys.exit(f'record: {name}: {answer}')

    def start(self) -> None:
        """Start an episode."""
        self.call(
            topics.START_EPISODE,
            StartEpisode.Request(
                task=INFO.task, instruction=INFO.instruction, split='seen', seed=-1
            ),
        )


def graph(seconds: float, camera_rate_hz: float) -> Figures:
    """The recorder node, with a process that publishes what a robot does."""
    env = _graph.environment()
    os.environ.update(env)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'set'
        ros = ['--ros-args', '-r', f'__ns:=/{_episodes.ROBOT}', '-p', f'dataset_dir:={root}']
        source = Path(__file__).with_name('_record_source.py')
        commands = {
            'recorder': [_graph.executable('episode_recorder'), *ros],
            'source': [sys.executable, str(source), str(seconds + 60.0), str(camera_rate_hz)],
        }
        with _graph.running(commands, env) as processes:
            rclpy.init()
            operator = Operator()
            time.sleep(SETTLE_S)
            start_cpu_s = _graph.cpu_s(processes['recorder'])
            operator.start()
            time.sleep(seconds)
            stop_s = time.monotonic()
            # No stop and label in between, which would give the encoders time.
            operator.call(topics.FINISH_EPISODE, FinishEpisode.Request(outcome='success'))
            operator.start()
            ready_s = time.monotonic() - stop_s
            cpu_s = _graph.cpu_s(processes['recorder']) - start_cpu_s
            rclpy.shutdown()
        dropped, flagged = lost(root)
    name = f'ours, ROS graph, {camera_rate_hz:g} Hz cameras'
    return Figures(name=name, cpu_s=cpu_s, ready_s=ready_s, dropped=dropped, flagged=flagged)


def lerobot(path: str, seconds: float) -> Figures:
    """LeRobot's recorder, by way of PNG files or streaming to the encoder."""
    side = Path(__file__).with_name('_lerobot_record.py')
    command = [str(_episodes.lerobot_python()), str(side), path, str(seconds)]
    env = {**os.environ, 'HF_HUB_OFFLINE': '1', 'OMP_NUM_THREADS': '1', 'SVT_LOG': '1'}
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(result.stdout.splitlines()[-1])
    return Figures(
        name=f'lerobot {found["version"]}, {path}',
        cpu_s=found['cpu_s'],
        ready_s=found['ready_s'],
        dropped=found['dropped'],
    )


def main() -> None:
    """Measure each in turn, print figures and ratios; exit 1 if a row is lost."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else FULL_S
    robot, rate_hz = load_robot(_episodes.ROBOT), _episodes.spec().fps
    own_hz = min(camera.rate_hz for camera in robot.cameras)
    measured: list[Callable[[], Figures]] = [
        lambda: writer(seconds),
        lambda: graph(seconds, own_hz),
        lambda: graph(seconds, rate_hz),
    ]
    ours_at = len(measured) - 1
    if _episodes.lerobot_python():
        measured += [lambda: lerobot('png', seconds), lambda: lerobot('streaming', seconds)]
    print(f'{seconds:g} s of three 640x480 cameras, {rate_hz:g} rows per second', flush=True)
    found = []
    for measure in measured:
        found.append(measure())
        print(found[-1].line(), flush=True)
    ours, others = found[ours_at], found[ours_at + 1 :]
    if not others:
        print('lerobot: not measured; make conformance makes its environment')
    for other in others:
        print(
            f'{other.name} / {ours.name}: {other.cpu_s / ours.cpu_s:.1f} x CPU, '
            f'{other.ready_s / ours.ready_s:.0f} x wait'
        )
    share = seconds / FULL_S
    for what, value, target in (
        ('CPU-s', ours.cpu_s, TARGET_CPU_S * share),
        ('s to ready', ours.ready_s, TARGET_READY_S),
    ):
        verdict = 'met' if value <= target else 'MISSED'
        print(f'target, {ours.name}: at most {target:g} {what}: {value:.2f}, {verdict}')
    if ours.dropped:
        sys.exit(f'record: {ours.name} lost {ours.dropped} rows')


if __name__ == '__main__':
    main()
