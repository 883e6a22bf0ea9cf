"""Each test damages a sound dataset in one way, and the audit has to say which."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_dataset
from episode_samples import make_row

from vla_mbpo.episodes.check import Finding
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.video import VideoEncoder
from vla_mbpo.episodes.video import remux
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.robots import load_robot

DATA = 'data/chunk-000/file-001.parquet'
HEAD = 'videos/observation.images.head/chunk-000/file-001.mp4'
META = 'meta/episodes/chunk-000/file-001.parquet'


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp('sound') / 'set', episodes=2, rows=16)


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / 'set'))


def problems(root: Path) -> list[Finding]:
    return [finding for finding in check(root) if finding.severity != 'note']


def edit(path: Path, column: str, change: Callable[[Any], None]) -> None:
    """Change one column of a parquet file, given as the list of its values."""
    table = pq.ParquetFile(path).read()
    values = table.column(column).to_pylist()
    change(values)
    field = table.schema.field(column)
    place = table.schema.get_field_index(column)
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), path)


def put(k: int, value: object) -> Callable[[Any], None]:
    def change(values: list[Any]) -> None:
        values[k] = value

    return change


def shift(by: int, rows: slice = slice(None)) -> Callable[[Any], None]:
    def change(values: list[Any]) -> None:
        values[rows] = [value + by for value in values[rows]]

    return change


def test_a_sound_dataset_has_no_finding_but_a_note_on_its_unknown_robot(sound: Path) -> None:
    (note,) = check(sound)
    assert (note.severity, note.where) == ('note', 'meta/info.json')
    assert "robot 'test_robot' is not known" in note.message


@pytest.mark.parametrize(
    ('column', 'change', 'where', 'message'),
    [
        (
            'observation.state',
            put(5, [0.0, float('nan'), 0.0]),
            'observation.state',
            'is not finite: 1 rows, the first is 5',
        ),
        (
            'action',
            put(2, [0.0, float('inf'), 0.0]),
            'action',
            'is not finite: 1 rows, the first is 2',
        ),
        (
            'frame_index',
            put(3, 9),
            'frame_index',
            'wrong in 1 rows; first in row 3: 9, expected 3',
        ),
        (
            'index',
            shift(1),
            'index',
            'is wrong in 16 rows; first in row 0: 17, expected 16',
        ),
        ('episode_index', shift(-1), 'episode_index', 'first in row 0: 0, expected 1'),
        ('task_index', put(0, 4), 'task_index', 'first in row 0: 4, expected 0'),
        (
            'timestamp',
            shift(1, slice(4, None)),
            'timestamp',
            'is not frame_index / fps: 12 rows, the first is 4',
        ),
        (
            'time.tick_ns',
            put(4, 1),
            'time.tick_ns',
            'does not increase: 1 rows, the first is 4',
        ),
        (
            'time.tick_ns',
            shift(40_000_000, slice(6, None)),
            'time.tick_ns',
            'is more than half a period from frame_index / fps: 10 rows, the first is 6',
        ),
        (
            'time.head.capture_ns',
            shift(2_000_000, slice(6, 7)),
            'time.head.capture_ns',
            'differs from the tick in a row without TICK_GAP: 1 rows, the first is 6',
        ),
        (
            'time.left_wrist.capture_ns',
            shift(-70_000_000, slice(6, 7)),
            'time.left_wrist.capture_ns',
            'runs backwards: 1 rows, the first is 6',
        ),
        (
            'time.left_wrist.skew_ns',
            shift(5, slice(1, 2)),
            'time.left_wrist.skew_ns',
            'first in row 1: 1000005, expected 1000000',
        ),
        (
            'time.right_wrist.skew_ns',
            shift(20_000_000, slice(8, 9)),
            'flags',
            'lacks SKEW_OVER_BUDGET: 1 rows, the first is 8',
        ),
        ('flags', put(7, 1), 'flags', 'has SKEW_OVER_BUDGET without reason: 1 rows'),
        ('flags', put(7, 1 << 20), 'flags', 'has an unknown bit: 1 rows, the first is 7'),
        ('flags', put(7, 16), 'flags', 'is set in 1 rows, metadata says 0'),
        ('source', put(3, 5), 'source', 'is none of TELEOP, POLICY, INTERVENTION: 1 rows'),
    ],
)
def test_a_wrong_column_is_found(
    root: Path, column: str, change: Callable[[Any], None], where: str, message: str
) -> None:
    edit(root / DATA, column, change)
    found = [f for f in problems(root) if f.where == where and message in f.message]
    assert [(f.severity, f.episode) for f in found] == [('error', 1)], problems(root)


def test_a_repeated_stamp_without_its_flag_is_found(root: Path) -> None:
    capture = pq.ParquetFile(root / DATA).read().column('time.left_wrist.capture_ns').to_pylist()
    edit(root / DATA, 'time.left_wrist.capture_ns', put(6, capture[5]))
    assert any('repeats in a row without REPEATED_FRAME' in f.message for f in problems(root))


def test_a_missing_row_is_found(root: Path) -> None:
    table = pq.ParquetFile(root / DATA).read()
    pq.write_table(table.slice(0, 15), root / DATA)
    (finding,) = problems(root)
    assert (finding.where, finding.message) == ('rows', 'there are 15, metadata says 16')


@pytest.mark.parametrize('file', [DATA, HEAD])
def test_a_missing_file_is_found(root: Path, file: str) -> None:
    (root / file).unlink()
    (finding,) = problems(root)
    assert (finding.severity, finding.episode, finding.where) == ('error', 1, file)
    assert 'is missing' in finding.message


@pytest.mark.parametrize('file', [DATA, HEAD])
def test_a_truncated_file_is_found(root: Path, file: str) -> None:
    content = (root / file).read_bytes()
    (root / file).write_bytes(content[: len(content) * 2 // 3])
    (finding,) = problems(root)
    assert (finding.severity, finding.episode, finding.where) == ('error', 1, file)


def test_a_video_with_too_few_frames_is_found(root: Path, tmp_path: Path) -> None:
    replace_video(root, tmp_path, frames=15, fps=15.0)
    (finding,) = problems(root)
    assert finding.message == 'has 15 frames for 16 rows'


def test_a_video_with_shifted_stamps_is_found(root: Path, tmp_path: Path) -> None:
    replace_video(root, tmp_path, frames=16, fps=14.0)
    (finding,) = problems(root)
    assert finding.message == 'frame 1 is stamped 0.071429 s, expected 0.066667 s'


def replace_video(root: Path, folder: Path, *, frames: int, fps: float) -> None:
    encoder = VideoEncoder(
        folder / 'journal.mp4', SPEC.cameras[0], fps, final=folder / 'unused.mp4'
    )
    encoder.start()
    for _ in range(frames):
        encoder.put(np.zeros((48, 64, 3), dtype=np.uint8))
    encoder.close()
    remux(folder / 'journal.mp4', root / HEAD, fps)


@pytest.mark.parametrize(
    ('key', 'value'), [('total_frames', 99), ('total_episodes', 3), ('fps', 15.5)]
)
def test_wrong_totals_are_found(root: Path, key: str, value: float) -> None:
    info = json.loads((root / 'meta/info.json').read_text())
    (root / 'meta/info.json').write_text(json.dumps({**info, key: value}))
    assert problems(root), key
    if key != 'fps':
        (finding,) = problems(root)
        assert finding.message.startswith(f'{key} is {value}, expected ')


def test_wrong_statistics_are_found(root: Path) -> None:
    stats = json.loads((root / 'meta/stats.json').read_text())
    stats['action']['q99'][1] += 1e-3
    (root / 'meta/stats.json').write_text(json.dumps(stats))
    (finding,) = problems(root)
    assert finding.where == 'meta/stats.json'
    assert finding.message.startswith('action q99 is')


def test_overlapping_episodes_are_found(root: Path) -> None:
    edit(root / META, 'dataset_from_index', put(0, 10))
    messages = [finding.message for finding in problems(root)]
    assert 'begins at index 10, expected 16' in messages


def test_files_of_no_episode_are_found(root: Path) -> None:
    shutil.copy(root / DATA, root / 'data/chunk-000/file-002.parquet')
    (finding,) = problems(root)
    assert (finding.severity, finding.message) == ('warning', 'belongs to no episode')


def test_metadata_that_cannot_be_read_raises(root: Path) -> None:
    (root / META).write_bytes(b'PAR1')
    with pytest.raises(DatasetError, match=r'file-001.parquet cannot be read'):
        check(root)


def test_values_outside_the_limits_of_a_known_robot_are_found(tmp_path: Path) -> None:
    robot = load_robot('arx_x5')
    cameras = (CameraFormat(name='head', width=64, height=48),)
    spec = replace(DatasetSpec.of_robot(robot), cameras=cameras)
    dim = robot.action.dims[1]
    with DatasetWriter.open(tmp_path / 'set', spec) as writer:
        episode = writer.start(INFO)
        for k in range(3):
            action = robot.action.home.copy()
            action[1] = dim.upper + 0.5 * k
            row = replace(
                make_row(k),
                state=robot.state.home,
                action=action,
                action_requested=action,
                images={'head': make_row(k).images['head']},
                capture_ns={'head': make_row(k).tick_ns},
            )
            episode.add(row)
        episode.finish(SUCCESS)
    (finding,) = check(tmp_path / 'set')
    assert (finding.severity, finding.episode, finding.where) == ('warning', 0, 'action')
    assert finding.message.startswith(
        f'{dim.name} leaves [{dim.lower:g}, {dim.upper:g}] {dim.unit}'
    )
    assert f'in 2 rows, up to {dim.upper + 1.0:g}' in finding.message
