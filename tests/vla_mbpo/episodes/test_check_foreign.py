"""Audit of datasets that others wrote: sound ones pass, and each damage is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_samples import CAMERAS
from lerobot_samples import DATA
from lerobot_samples import META
from lerobot_samples import TOP
from lerobot_samples import make_lerobot
from lerobot_samples import metadata_row
from lerobot_samples import number_of
from lerobot_samples import shown
from lerobot_samples import write_video

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.errors import DatasetError

LENGTHS = (12, 15)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_lerobot(tmp_path / 'set', LENGTHS)


def problems(root: Path, *, deep: bool = False) -> list[tuple[int | None, str, str]]:
    return [(f.episode, f.where, f.message) for f in check(root, deep=deep)]


@pytest.mark.parametrize(
    ('codec', 'with_png', 'fps'),
    [('libx264', False, 10), ('libsvtav1', False, 10), ('libx264', True, 10)],
)
def test_a_sound_dataset_of_others_has_no_finding_and_every_picture_lies_by_its_row(
    tmp_path: Path, codec: str, with_png: bool, fps: int
) -> None:
    root = make_lerobot(tmp_path / 'set', LENGTHS, codec=codec, with_png=with_png, fps=fps)
    assert problems(root, deep=True) == []
    dataset = AnyDataset(root)
    for episode in dataset.episodes:
        for key in dataset.picture_keys:
            numbers = [shown(image) for image in dataset.pictures(episode, key)]
            assert numbers == [number_of(episode.index, k) for k in range(episode.length)]
        assert dataset.table(episode).column('episode_index').unique().to_pylist() == [
            episode.index
        ]


def edit(root: Path, column: str, change: Callable[[list[Any]], None]) -> None:
    table = pq.ParquetFile(root / DATA).read()
    values = table.column(column).to_pylist()
    change(values)
    place = table.schema.get_field_index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), root / DATA)


@pytest.mark.parametrize(
    ('column', 'value', 'message'),
    [
        ('frame_index', 9, 'is wrong in 1 rows, the first is 2'),
        ('index', 9, 'is wrong in 1 rows, the first is 2'),
        ('timestamp', 7.5, 'is not frame_index / fps: 1 rows, the first is 2'),
        ('task_index', 4, '[4] not in meta/tasks.parquet'),
        ('action', [np.nan] * 6, 'is not finite: 1 rows, the first is 2'),
        ('observation.state', None, 'has no value in 1 rows'),
    ],
)
def test_a_wrong_column_is_found(root: Path, column: str, value: object, message: str) -> None:
    def change(values: list[Any]) -> None:
        values[14] = value

    edit(root, column, change)
    assert problems(root) == [(1, column, message)]


def test_a_missing_column_is_found(root: Path) -> None:
    table = pq.ParquetFile(root / DATA).read()
    pq.write_table(table.drop(['action']), root / DATA)
    assert (0, 'action', 'is a feature without a column') in problems(root)


def test_a_video_that_ends_early_is_found(root: Path) -> None:
    write_video(root / TOP, range(25))
    assert problems(root) == [(1, TOP, 'ends at frame 25, the rows need 27')]


def test_frames_of_no_episode_are_found(root: Path) -> None:
    write_video(root / TOP, range(30))
    assert problems(root) == [(None, TOP, '3 frames belong to no episode')]


def test_a_video_at_another_rate_is_found(root: Path) -> None:
    write_video(root / TOP, range(27), fps=9)
    messages = [message for _, where, message in problems(root) if where == TOP]
    assert 'frame 1 is not stamped 0.100000 s' in messages


@pytest.mark.parametrize('file', [DATA, TOP])
def test_a_missing_file_is_found(root: Path, file: str) -> None:
    (root / file).unlink()
    assert {(where, 'missing' in message) for _, where, message in problems(root)} == {(file, True)}


def test_a_gap_between_episodes_is_found(root: Path) -> None:
    rows = [metadata_row(e, LENGTHS, CAMERAS) for e in range(2)]
    rows[1]['episode_index'] = 2
    pq.write_table(pa.Table.from_pylist(rows), root / META)
    message = 'is number 1 in meta/episodes: later ones are paired with other videos'
    assert (2, 'episode_index', message) in problems(root)


def test_totals_that_are_behind_are_found(root: Path) -> None:
    info = json.loads((root / 'meta/info.json').read_text())
    (root / 'meta/info.json').write_text(json.dumps({**info, 'total_frames': 12}))
    message = 'total_frames is 12, the episodes say 27'
    assert problems(root) == [(None, 'meta/info.json', message)]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'codebase_version': 'v2.1'}, "has codebase_version 'v2.1', expected 'v3.0'"),
        ({'fps': 0}, 'has fps 0, expected a rate'),
        ({'features': [1]}, 'garbles features'),
        ({'data_path': '../../{chunk_index}{file_index}'}, 'which leaves the folder'),
        ({'video_path': '/etc/{video_key}'}, 'which leaves the folder'),
    ],
)
def test_info_that_cannot_be_used_is_refused(
    root: Path, change: dict[str, Any], message: str
) -> None:
    info = json.loads((root / 'meta/info.json').read_text())
    (root / 'meta/info.json').write_text(json.dumps({**info, **change}))
    with pytest.raises(DatasetError, match=message):
        check(root)


@pytest.mark.parametrize('file', ['meta/info.json', META, 'meta/tasks.parquet'])
def test_metadata_that_cannot_be_read_is_named(root: Path, file: str) -> None:
    (root / file).write_bytes(b'PAR1 garbage')
    with pytest.raises(DatasetError, match=f'{file} cannot be read'):
        check(root)


def test_deep_finds_damage_in_the_middle_of_a_video(root: Path) -> None:
    data = bytearray((root / TOP).read_bytes())
    place = data.index(b'mdat') + 4 + (len(data) - data.index(b'mdat')) // 2
    data[place : place + 400] = bytes(400)
    (root / TOP).write_bytes(bytes(data))
    found = [f for f in check(root, deep=True) if f.severity == 'error']
    assert found
