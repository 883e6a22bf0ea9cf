"""Saving an episode: time from `finish` to ready, processor time of a whole recording, memory over many episodes.

Three cameras of 640x480 at 15 Hz, 30 s, fed at about five times real time. Use: save.py [--episodes 6]
"""

import argparse
import os
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.totals import Totals
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.robots import load_robot

SPEC = DatasetSpec.of_robot(load_robot('arx_x5'))
SMALL = replace(
    SPEC, cameras=tuple(CameraFormat(name=c.name, width=64, height=48) for c in SPEC.cameras)
)
INFO = EpisodeInfo(task='bench', instruction='save quickly')
SUCCESS = EpisodeResult(outcome='success')
ROWS = 450
MANY_EPISODES = 100
SHORT_ROWS = 30
LARGE_SET = 500
PICTURES = 8


def pictures(width: int, height: int) -> list[NDArray[np.uint8]]:
    """Smooth moving pictures with sensor noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    found = []
    for k in range(PICTURES):
        waves = [127 + 80 * np.sin((x + 3 * k) / 23 + c) + 40 * np.cos(y / 17) for c in range(3)]
        noisy = np.stack(waves, axis=-1) + rng.normal(0, 1.2, (height, width, 3))
        found.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return found


def record(
    writer: DatasetWriter, rows: int, shown: list[NDArray[np.uint8]], pause_s: float
) -> tuple[float, float]:
    """Record and save one episode; returns seconds that `finish` took, and the longest `add`."""
    rng = np.random.default_rng(writer.episodes)
    spec = SPEC
    episode, longest_s = writer.start(INFO), 0.0
    for k in range(rows):
        tick_ns = 10**18 + round(k * 1e9 / spec.fps)
        stamps = dict.fromkeys(spec.camera_names, tick_ns)
        row = Row(
            tick_ns=tick_ns,
            state=rng.normal(size=len(spec.state_names)),
            action=rng.normal(size=len(spec.action_names)),
            action_requested=rng.normal(size=len(spec.action_names)),
            source=Source.TELEOP,
            success=False,
            images=dict.fromkeys(spec.camera_names, shown[k % PICTURES]),
            capture_ns=stamps,
            receipt_ns=stamps,
        )
        start_s = time.perf_counter()
        episode.add(row)
        longest_s = max(longest_s, time.perf_counter() - start_s)
        time.sleep(pause_s)
    time.sleep(0.3)  # at real time the encoders would have kept up
    start_s = time.perf_counter()
    episode.finish(SUCCESS)
    return time.perf_counter() - start_s, longest_s


def measure_saving(folder: Path, episodes: int) -> None:
    """Print times of episodes of 30 s."""
    shown = pictures(SPEC.cameras[0].width, SPEC.cameras[0].height)
    finish_s, add_s, flagged = [], [], 0
    with DatasetWriter.open(folder, SPEC) as writer:
        record(writer, 30, shown, 0.01)
        cpu_s = time.process_time()
        for _ in range(episodes):
            finish, longest = record(writer, ROWS, shown, 0.012)
            finish_s.append(finish)
            add_s.append(longest)
        cpu_s = (time.process_time() - cpu_s) / episodes
        flagged = sum(summary.flagged_rows for summary in writer.summaries)
    p50, p95 = np.percentile(finish_s, [50, 95])
    print(
        f'30 s of 3 x 640x480: finish() p50 {p50:.3f} s, p95 {p95:.3f} s; {cpu_s:.2f} CPU-s per episode; '
        f'longest add() {1e3 * max(add_s):.1f} ms; {flagged} rows flagged'
    )


def measure_totals(folder: Path) -> None:
    """Print the time of the statistics of a large set at a save."""
    dataset = DatasetFolder(folder)
    last: EpisodeRecord = read_records(dataset, SPEC)[-1]
    totals = Totals(dataset, SPEC)
    rng = np.random.default_rng(0)
    columns = {
        'observation.state': rng.normal(size=(ROWS, len(SPEC.state_names))).astype(np.float32),
        'action': rng.normal(size=(ROWS, len(SPEC.action_names))).astype(np.float32),
        'action.requested': rng.normal(size=(ROWS, len(SPEC.action_names))).astype(np.float32),
        **{key: np.arange(ROWS) for key in 'abcdefgh'},
    }
    seconds = []
    for _ in range(LARGE_SET):
        start_s = time.perf_counter()
        totals.add(last, columns)
        totals.statistics()
        seconds.append(time.perf_counter() - start_s)
    print(
        f'exact statistics at a save: {1e3 * np.median(seconds[:10]):.0f} ms with 10 episodes, '
        f'{1e3 * np.median(seconds[-10:]):.0f} ms with {LARGE_SET} ({LARGE_SET * ROWS} rows)'
    )


def measure_memory(folder: Path) -> None:
    """Print the growth of memory over many short episodes."""
    shown = pictures(SMALL.cameras[0].width, SMALL.cameras[0].height)
    with DatasetWriter.open(folder, SMALL) as writer:
        for _ in range(MANY_EPISODES // 5):
            record(writer, SHORT_ROWS, shown, 0.0)
        before = resident_mb()
        for _ in range(MANY_EPISODES):
            record(writer, SHORT_ROWS, shown, 0.0)
        after = resident_mb()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f'memory over {MANY_EPISODES} episodes: {before:.0f} MB -> {after:.0f} MB '
        f'(peak of the process {peak:.0f} MB)'
    )


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6


def main() -> None:
    """Print the three measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--episodes', type=int, default=6, help='episodes of 30 s')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure_saving(Path(scratch) / 'real', options.episodes)
        measure_totals(Path(scratch) / 'real')
        measure_memory(Path(scratch) / 'small')


if __name__ == '__main__':
    main()
