"""Datasets torn as a killed recorder tears them; what a repair keeps is compared picture by picture."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from episode_samples import make_dataset
from lerobot_samples import CAMERAS
from lerobot_samples import DATA
from lerobot_samples import META
from lerobot_samples import TOP
from lerobot_samples import episode_rows
from lerobot_samples import make_lerobot
from lerobot_samples import metadata_row
from lerobot_samples import number_of
from lerobot_samples import schema
from lerobot_samples import shown
from lerobot_samples import write_rows
from lerobot_samples import write_video

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.footer import rows_without_footer
from vla_mbpo.episodes.foreign import AnyDataset
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.repair import RepairReport
from vla_mbpo.episodes.repair import repair
from vla_mbpo.episodes.repair import repair_in_place
from vla_mbpo.errors import DatasetError

LENGTHS = (20, 24, 16)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_lerobot(tmp_path / 'torn', LENGTHS)


def repaired(root: Path) -> RepairReport:
    """Repair, and prove that nothing is wrong with the result: files, and which picture lies by which row."""
    before = {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}
    report = repair(root, root.with_name('fixed'))
    assert {path: path.read_bytes() for path in root.rglob('*') if path.is_file()} == before
    assert [f for f in check(report.out, deep=True) if f.severity != 'note'] == []
    dataset = AnyDataset(report.out)
    kept = [episode for episode in report.episodes if episode.index is not None]
    for old, new in zip(kept, dataset.episodes, strict=True):
        assert (old.index, old.kept) == (new.index, new.length)
        for key in dataset.picture_keys:
            numbers = [shown(image) for image in dataset.pictures(new, key)]
            assert numbers == [number_of(old.episode, k) for k in range(old.kept)], key
        state = np.array(dataset.table(new).column('observation.state').to_pylist())
        original = episode_rows(old.episode, LENGTHS[old.episode], 0).column('observation.state')
        np.testing.assert_array_equal(state, np.array(original.to_pylist())[: old.kept])
    return report


def kept(report: RepairReport) -> list[int]:
    return [episode.kept for episode in report.episodes]


def edit_metadata(root: Path, episodes: list[int]) -> None:
    rows = [metadata_row(e, LENGTHS, CAMERAS) for e in episodes]
    pq.write_table(pa.Table.from_pylist(rows), root / META)


def test_a_killed_lerobot_session_is_recovered_whole(root: Path) -> None:
    """Data without a footer, no metadata at all: LeRobot itself then opens none of its episodes."""
    write_rows(
        root / DATA,
        [episode_rows(e, n, sum(LENGTHS[:e])) for e, n in enumerate(LENGTHS)],
        footer=False,
    )
    shutil.rmtree(root / 'meta/episodes')
    report = repaired(root)
    assert kept(report) == list(LENGTHS)
    assert report.is_complete
    assert f'{DATA} had no footer; 60 rows were found page by page' in report.remarks
    assert 'episode 2 had no metadata; derived from rows and videos' in report.remarks


def test_rows_of_a_row_group_that_was_cut_off_are_lost_and_no_others(root: Path) -> None:
    tables = [episode_rows(e, n, sum(LENGTHS[:e])) for e, n in enumerate(LENGTHS)]
    write_rows(root / DATA, tables, footer=False)
    data = (root / DATA).read_bytes()
    (root / DATA).write_bytes(data[:-100])
    report = repaired(root)
    assert kept(report) == [20, 24, 0]
    assert report.episodes[2].reason == 'there are 0 rows, metadata says 16'


@pytest.mark.parametrize('with_png', [False, True])
def test_a_torn_last_block_loses_the_last_row_group_only(tmp_path: Path, with_png: bool) -> None:
    tables = [episode_rows(e, 30, 30 * e, with_png=with_png) for e in range(3)]
    write_rows(tmp_path / 'file.parquet', tables, footer=False)
    data = (tmp_path / 'file.parquet').read_bytes()
    found = rows_without_footer(tmp_path / 'file.parquet', schema(with_png=with_png))
    assert found is not None
    assert found.equals(pa.concat_tables(tables))
    (tmp_path / 'file.parquet').write_bytes(data[:-512] + bytes(512))
    found = rows_without_footer(tmp_path / 'file.parquet', schema(with_png=with_png))
    assert found is not None
    assert found.equals(pa.concat_tables(tables[:2]))


def test_garbage_has_no_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for size in (0, 3, 4, 100, 5000):
        (tmp_path / 'file.parquet').write_bytes(b'PAR1' + rng.bytes(size))
        assert rows_without_footer(tmp_path / 'file.parquet', schema()) is None


def test_missing_metadata_of_the_last_episodes_is_derived(root: Path) -> None:
    edit_metadata(root, [0])
    report = repaired(root)
    assert kept(report) == list(LENGTHS)


def test_totals_that_are_behind_are_counted_again(root: Path) -> None:
    info = json.loads((root / 'meta/info.json').read_text())
    (root / 'meta/info.json').write_text(json.dumps({**info, 'total_episodes': 1}))
    report = repaired(root)
    assert 'meta/info.json said 1 episodes, 3 were found' in report.remarks


def test_a_truncated_video_keeps_the_rows_whose_pictures_can_be_decoded(root: Path) -> None:
    content = (root / TOP).read_bytes()
    (root / TOP).write_bytes(content[: len(content) * 2 // 3])
    report = repaired(root)
    assert kept(report)[0] == 20
    assert 0 < sum(kept(report)) < sum(LENGTHS)
    (cut,) = [e for e in report.episodes if 0 < e.kept < e.rows]
    assert 'observation.images.top has' in cut.reason


def test_a_video_without_its_index_loses_its_episodes(root: Path) -> None:
    (root / TOP).write_bytes((root / TOP).read_bytes()[:100])
    with pytest.raises(DatasetError, match=r'no episode can be kept: .*cannot be read'):
        repair(root, root.with_name('fixed'))
    assert not root.with_name('fixed').exists()


def test_frames_that_belong_to_no_row_are_cut_off(root: Path) -> None:
    numbers = [number_of(e, k) for e, n in enumerate(LENGTHS) for k in range(n)]
    write_video(root / TOP, [*numbers, 5000, 5001])
    report = repaired(root)
    assert report.is_complete
    assert f'{TOP}: kept 60 of 62 frames' in report.remarks


def test_an_episode_with_fewer_frames_than_rows_is_not_trusted(root: Path) -> None:
    """LeRobot's streaming encoder drops frames: which rows lack theirs is not known."""
    rows = [metadata_row(e, LENGTHS, CAMERAS) for e in range(3)]
    rows[1]['videos/observation.images.top/to_timestamp'] -= 0.5
    rows[2]['videos/observation.images.top/from_timestamp'] -= 0.5
    rows[2]['videos/observation.images.top/to_timestamp'] -= 0.5
    pq.write_table(pa.Table.from_pylist(rows), root / META)
    numbers = [number_of(e, k) for e, n in enumerate(LENGTHS) for k in range(n)]
    write_video(root / TOP, numbers[:30] + numbers[35:])
    messages = [f.message for f in check(root) if f.episode == 1]
    assert messages == ['19 frames are given to 24 rows: pictures and rows do not pair']
    report = repaired(root)
    assert kept(report) == [20, 0, 16]
    assert report.episodes[1].reason == 'observation.images.top has 19 pictures for 24 rows'


def test_episodes_without_metadata_in_a_short_video_are_not_guessed(root: Path) -> None:
    edit_metadata(root, [0])
    numbers = [number_of(e, k) for e, n in enumerate(LENGTHS) for k in range(n)]
    write_video(root / TOP, numbers[:30] + numbers[35:])
    report = repaired(root)
    assert kept(report) == [20, 0, 0]
    assert 'has 55 frames for 60 rows, and no metadata tells which are missing' in (
        report.episodes[1].reason
    )


@pytest.mark.parametrize(('column', 'value'), [('frame_index', 99), ('timestamp', 9.0)])
def test_rows_after_a_jump_are_cut_off(root: Path, column: str, value: float) -> None:
    table = pq.ParquetFile(root / DATA).read()
    values = table.column(column).to_pylist()
    values[27] = value
    place = table.schema.get_field_index(column)
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), root / DATA)
    report = repaired(root)
    assert kept(report) == [20, 7, 16]
    assert report.episodes[1].reason == f'{column} is wrong in row 7'


def test_ours_is_repaired_to_a_set_that_our_reader_opens(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'torn', episodes=3, rows=20)
    head = root / 'videos/observation.images.head/chunk-000/file-001.mp4'
    head.write_bytes(b'')
    report = repair(root, tmp_path / 'fixed')
    assert kept(report) == [20, 0, 20]
    assert [f for f in check(tmp_path / 'fixed') if f.severity != 'note'] == []
    with DatasetReader(tmp_path / 'fixed') as reader, DatasetReader(root) as before:
        assert [r.recording_id for r in reader.records] == [
            before.records[0].recording_id,
            before.records[2].recording_id,
        ]


def test_in_place_keeps_a_backup(root: Path, tmp_path: Path) -> None:
    shutil.rmtree(root / 'meta/episodes')
    report = repair_in_place(root, tmp_path / 'backup')
    assert report.out == root
    assert check(root, deep=True) == []
    assert not (tmp_path / 'backup/meta/episodes').exists()
    with pytest.raises(DatasetError, match='exists already; give a new name for the backup'):
        repair_in_place(root, tmp_path / 'backup')


def test_nothing_is_written_over(root: Path, tmp_path: Path) -> None:
    (tmp_path / 'fixed').mkdir()
    (tmp_path / 'fixed/precious').write_text('x')
    with pytest.raises(DatasetError, match='exists already'):
        repair(root, tmp_path / 'fixed')
    assert (tmp_path / 'fixed/precious').read_text() == 'x'


def test_without_info_nothing_can_be_made_of_it(root: Path, tmp_path: Path) -> None:
    (root / 'meta/info.json').write_text('{')
    with pytest.raises(DatasetError, match=r'meta/info.json cannot be read'):
        repair(root, tmp_path / 'fixed')
