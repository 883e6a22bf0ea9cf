"""Reading three 640x480 views, random and sequential, single thread, beside lerobot with pyav on the same files.

lerobot runs in the environment that `make conformance` makes; without it, ours is measured alone. Targets on one core:
a random three-view sample in 6 ms of CPU, 300 sequential samples per second.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import _episodes
import numpy as np

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.torch_dataset import EpisodeDataset

EPISODES, ROWS = 4, 150
RANDOM_SAMPLES, THEIR_SAMPLES = 300, 40
TARGET_CPU_MS, TARGET_RATE = 6.0, 300.0


def random_ms(root: Path) -> float:
    """CPU milliseconds per random sample: a row, three views, from all episodes."""
    rng = np.random.default_rng(0)
    with DatasetReader(root) as reader:
        episodes = [reader.episode(index) for index in range(len(reader))]
        for episode in episodes:
            views(reader, episode, 0)
        begin_s = time.process_time()
        for _ in range(RANDOM_SAMPLES):
            views(reader, episodes[rng.integers(EPISODES)], int(rng.integers(ROWS)))
        return (time.process_time() - begin_s) / RANDOM_SAMPLES * 1e3


def views(reader: DatasetReader, episode: object, k: int) -> None:
    """Picture k of every camera."""
    for camera in reader.spec.camera_names:
        episode.frame(camera, k)


def sequential_rate(root: Path) -> float:
    """Three-view samples per CPU-second, in order."""
    with DatasetReader(root) as reader:
        begin_s = time.process_time()
        for index in range(len(reader)):
            episode = reader.episode(index)
            for k in range(len(episode)):
                views(reader, episode, k)
        return EPISODES * ROWS / (time.process_time() - begin_s)


def tensor_ms(root: Path) -> float:
    """CPU milliseconds per random sample of the torch adapter, all columns and views."""
    rng = np.random.default_rng(0)
    dataset = EpisodeDataset(root)
    numbers = rng.integers(len(dataset), size=RANDOM_SAMPLES)
    dataset[int(numbers[0])]
    begin_s = time.process_time()
    for number in numbers:
        dataset[int(number)]
    return (time.process_time() - begin_s) / RANDOM_SAMPLES * 1e3


def lerobot_figures(root: Path) -> dict[str, float] | None:
    """The same with lerobot's `LeRobotDataset` and pyav; None where its environment is not there."""
    python = _episodes.lerobot_python()
    if python is None:
        return None
    side = Path(__file__).with_name('_lerobot_read.py')
    command = [python, side, root, str(THEIR_SAMPLES)]
    env = {**os.environ, 'HF_HUB_OFFLINE': '1', 'OMP_NUM_THREADS': '1'}
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Measure and print; say whether the targets are met."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'set'
        _episodes.write_dataset(root, EPISODES, ROWS)
        random, rate, tensor = random_ms(root), sequential_rate(root), tensor_ms(root)
        theirs = lerobot_figures(root)
    print(f'random three-view sample       {random:7.2f} CPU-ms  (target {TARGET_CPU_MS:g})')
    print(f'  as tensors with all columns  {tensor:7.2f} CPU-ms')
    print(f'sequential three-view samples  {rate:7.0f} per CPU-s  (target {TARGET_RATE:g})')
    if theirs is None:
        print('lerobot: not measured; make conformance makes its environment')
    else:
        name = f'lerobot {theirs["version"]}, pyav'
        print(
            f'{name}: random {theirs["random_ms"]:.1f} CPU-ms, sequential {theirs["rate"]:.1f} per CPU-s'
        )
        print(
            f'ratio lerobot / ours: random {theirs["random_ms"] / tensor:.1f} (tensors both), '
            f'sequential {rate / theirs["rate"]:.1f}'
        )
    is_met = random <= TARGET_CPU_MS and rate >= TARGET_RATE
    print(f'targets: {"met" if is_met else "MISSED"}')


if __name__ == '__main__':
    main()
