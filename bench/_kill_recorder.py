"""What `kill.py` runs in processes of their own: recording without end, recovery, and reading everything back."""

import json
import os
import time
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.writer import DatasetWriter

RATE_HZ = 60.0
ROWS = 20
"""Rows of a whole episode."""
CAMERAS = ('head', 'wrist')
NAMES = ('joint1', 'gripper')
SPEC = DatasetSpec(
    robot='bench_robot',
    fps=RATE_HZ,
    state_names=NAMES,
    state_units=('rad', 'm'),
    action_names=NAMES,
    action_units=('rad', 'm'),
    cameras=tuple(CameraFormat(name=name, width=64, height=48) for name in CAMERAS),
)
SUCCESS = EpisodeResult(outcome='success')
NUMBERS = 64
"""Pictures of episode `tag` show the numbers from `NUMBERS * tag` on."""


def say(pipe: int, *words: object) -> None:
    """One line to the process that will kill this one; in the pipe when this returns."""
    os.write(pipe, (' '.join(map(str, words)) + '\n').encode())


def record(root: Path, pipe: int, first_tag: int) -> None:
    """Record episode after episode at `RATE_HZ` and report each step once it is done, until killed."""
    with DatasetWriter.open(root, SPEC) as writer:
        for tag in count(first_tag):
            info = EpisodeInfo(task='bench', instruction='survive', seed=tag)
            episode = writer.start(info)
            start_s = time.monotonic()
            say(pipe, 'started', tag)
            for k in range(ROWS):
                time.sleep(max(0.0, start_s + k / RATE_HZ - time.monotonic()))
                episode.add(make_row(tag, k))
                say(pipe, 'row', tag, k)
            say(pipe, 'finishing', tag)
            episode.finish(SUCCESS)
            say(pipe, 'saved', tag)


def recover(root: Path, pipe: int) -> None:
    """Open the dataset, which recovers it."""
    say(pipe, 'opening')
    DatasetWriter.open(root, SPEC).close()
    say(pipe, 'opened')


def read_back(root: Path, pipe: int) -> None:
    """Recover, then report tag, rows and outcome of every episode, and whether each row is what was recorded."""
    DatasetWriter.open(root, SPEC).close()
    with DatasetReader(root) as reader:
        for index in range(len(reader)):
            episode = reader.episode(index)
            tag, rows = episode.info.seed, len(episode)
            expected = [NUMBERS * tag + k for k in range(rows)]
            shown = [[number_in(image) for image in episode.frames(name)] for name in CAMERAS]
            ticks = [make_row(tag, k).tick_ns for k in range(rows)]
            is_true = shown == [expected] * len(CAMERAS) and list(episode['time.tick_ns']) == ticks
            is_true &= list(episode['index']) == list(
                range(reader.records[index].first_index, reader.records[index].first_index + rows)
            )
            line = {'tag': tag, 'rows': rows, 'outcome': episode.result.outcome, 'is_true': is_true}
            say(pipe, json.dumps(line))
        totals = reader.info['total_episodes'] == len(reader) or not len(reader)
        say(pipe, json.dumps({'totals': bool(totals)}))


def make_row(tag: int, k: int) -> Row:
    """Row k of episode `tag`."""
    tick_ns = 10**18 + tag * 10**10 + round(k * 1e9 / RATE_HZ)
    values = np.array([np.sin(k / 9), k / 1000])
    return Row(
        tick_ns=tick_ns,
        state=values,
        action=values,
        action_requested=values,
        source=Source.TELEOP,
        success=False,
        images={name: burned(NUMBERS * tag + k) for name in CAMERAS},
        capture_ns=dict.fromkeys(CAMERAS, tick_ns),
        receipt_ns=dict.fromkeys(CAMERAS, tick_ns),
    )


def burned(number: int) -> NDArray[np.uint8]:
    """Picture uint8 [48, 64, 3] with the 16 bits of `number` as black and white blocks."""
    bits = np.array([(number >> bit) & 1 for bit in range(16)], dtype=np.uint8)
    blocks = bits.reshape(4, 4) * 200 + 30
    return np.repeat(np.kron(blocks, np.ones((12, 16), np.uint8))[..., None], 3, axis=2)


def number_in(image: NDArray[np.uint8]) -> int:
    """Inverse of `burned`, also after encoding."""
    blocks = image[..., 0].reshape(4, 12, 4, 16).mean(axis=(1, 3)).ravel() > 128
    return sum(int(bit) << place for place, bit in enumerate(blocks))
