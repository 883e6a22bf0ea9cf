"""Small datasets for tests: pictures carry a burned-in number that survives the video codec."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vla_mbpo.episodes.report import SyncReport
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Row
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.episodes.writer import EpisodeWriter

CAMERAS = ('head', 'left_wrist', 'right_wrist')
DIMS = ('joint1', 'joint2', 'gripper')
UNITS = ('rad', 'rad', 'm')
FPS = 15.0
START_NS = 1_700_000_000_000_000_000
BUDGET_NS = 16_666_667
BITS = 16
GRID = (4, 4)
SKEW_NS = 1_000_000

SPEC = DatasetSpec(
    robot='test_robot',
    fps=FPS,
    state_names=DIMS,
    state_units=UNITS,
    action_names=DIMS,
    action_units=UNITS,
    cameras=tuple(CameraFormat(name=name, width=64, height=48) for name in CAMERAS),
)
INFO = EpisodeInfo(task='pick_cup', instruction='pick up the cup', condition='bare', seed=3)
SUCCESS = EpisodeResult(outcome='success')


def burned(number: int) -> NDArray[np.uint8]:
    """Picture uint8 [48, 64, 3] with `number` as black and white blocks."""
    bits = [(number >> bit) & 1 for bit in range(BITS)]
    blocks = np.array(bits, dtype=np.uint8).reshape(GRID) * 200 + 30
    return np.repeat(np.kron(blocks, np.ones((12, 16), np.uint8))[..., None], 3, axis=2)


def number_in(image: NDArray[np.uint8]) -> int:
    """Inverse of `burned`, also after encoding."""
    blocks = image[..., 0].reshape(4, 12, 4, 16).mean(axis=(1, 3)).ravel() > 128
    return sum(int(bit) << place for place, bit in enumerate(blocks))


def tick_ns(k: int) -> int:
    """Time of row k."""
    return START_NS + round(k * 1e9 / FPS)


def make_row(k: int, *, flags: Flag = Flag.NONE, offset: int = 0) -> Row:
    """Row k; camera i shows the number 3 k + i + offset and is i ms late."""
    state = np.array([np.sin(k / 9), np.cos(k / 7), k / 1000])
    return Row(
        tick_ns=tick_ns(k),
        state=state,
        action=state + 0.1,
        action_requested=state + 0.2,
        source=Source.TELEOP,
        success=k % 2 == 1,
        images={name: burned(3 * k + i + offset) for i, name in enumerate(CAMERAS)},
        capture_ns={name: tick_ns(k) + i * SKEW_NS for i, name in enumerate(CAMERAS)},
        receipt_ns={name: tick_ns(k) + 40 * SKEW_NS for name in CAMERAS},
        flags=flags,
        domains=dict.fromkeys(CAMERAS, ClockDomain.SIMULATED),
        frame_numbers=dict.fromkeys(CAMERAS, 2 * k),
    )


def report(rows: int) -> SyncReport:
    """Report of a synchroniser that saw nothing wrong."""
    return SyncReport(
        rows=rows,
        flagged_rows=0,
        rows_by_flag={},
        frames=dict.fromkeys(CAMERAS, 2 * rows),
        repeated={},
        rejected={},
        max_skew_ns={name: i * SKEW_NS for i, name in enumerate(CAMERAS)},
        skew_budget_ns=BUDGET_NS,
        leading_ticks=0,
        incomplete_tail=0,
    )


def record(episode: EpisodeWriter, rows: Iterable[Row]) -> None:
    """Add rows."""
    for row in rows:
        episode.add(row)


def make_dataset(root: Path, *, episodes: int = 2, rows: int = 20) -> Path:
    """A sound dataset; episode e shows numbers from 1000 e on."""
    with DatasetWriter.open(root, SPEC) as writer:
        for index in range(episodes):
            episode = writer.start(INFO)
            record(episode, (make_row(k, offset=1000 * index) for k in range(rows)))
            episode.finish(SUCCESS, report(rows))
    return root
