"""Torn journals of every kind become the longest sound episode; recovery can itself be cut short."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from episode_samples import CAMERAS
from episode_samples import FPS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record
from repository import ROOT

from vla_mbpo.episodes import recovery
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.journal import ROWS_FILE
from vla_mbpo.episodes.journal import video_path
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.record import read_records
from vla_mbpo.episodes.recovery import Recovered
from vla_mbpo.episodes.salvage import sound_frames
from vla_mbpo.episodes.salvage import sound_rows
from vla_mbpo.episodes.video import packet_stamps_s
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError

ROWS = 24


@pytest.fixture(scope='module')
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One saved episode, and one that was being recorded."""
    root = make_dataset(tmp_path_factory.mktemp('torn') / 'set', episodes=1, rows=8)
    writer = DatasetWriter.open(root, SPEC)
    episode = writer.start(INFO)
    record(episode, (make_row(k, offset=1000) for k in range(ROWS)))
    time.sleep(0.5)  # the encoders catch up
    writer.close()
    return root


@pytest.fixture
def root(torn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(torn, tmp_path / 'set'))


def journal(root: Path) -> Path:
    (folder,) = DatasetFolder(root).journals()
    return folder


def recovered(root: Path) -> Recovered:
    with DatasetWriter.open(root, SPEC) as writer:
        (found,) = writer.recovered
    return found


def assert_is_prefix(root: Path, index: int, rows: int) -> None:
    """Episode `index` is the first `rows` rows of the torn one, with their pictures, and the set is sound."""
    with DatasetReader(root) as reader:
        episode = reader.episode(index)
        assert len(episode) == rows
        for i, camera in enumerate(CAMERAS):
            numbers = [number_in(image) for image in episode.frames(camera)]
            assert numbers == [1000 + 3 * k + i for k in range(rows)]
        assert list(episode['time.tick_ns']) == [make_row(k).tick_ns for k in range(rows)]
    assert [f for f in check(root) if f.severity != 'note'] == []


def test_a_recording_that_was_cut_short_becomes_an_unlabelled_episode(root: Path) -> None:
    found = recovered(root)
    assert found.rows >= ROWS - 3  # frames that the encoder still held
    assert str(found).startswith(
        f'episode 1 was cut short and is recovered: {found.rows} of {ROWS} rows, unlabelled'
    )
    assert_is_prefix(root, 1, found.rows)
    with DatasetReader(root) as reader:
        record = reader.records[1]
    assert (record.result.outcome, record.result.recovered) == ('unlabelled', True)
    assert record.quality.reasons.startswith(f'recovered: {found.rows} of {ROWS} rows')
    assert record.histograms['head'].frames == found.rows
    assert recovered_again(root) == ()


def recovered_again(root: Path) -> tuple[Recovered, ...]:
    with DatasetWriter.open(root, SPEC) as writer:
        return writer.recovered


@pytest.mark.parametrize('name', [ROWS_FILE, 'head.mp4', 'right_wrist.mp4'])
def test_a_torn_last_block_costs_the_rows_in_it_and_nothing_else(root: Path, name: str) -> None:
    path = journal(root) / name
    os.truncate(path, path.stat().st_size * 2 // 3)
    found = recovered(root)
    assert 2 <= found.rows < ROWS - 3
    assert_is_prefix(root, 1, found.rows)


@pytest.mark.parametrize('name', [ROWS_FILE, 'left_wrist.mp4'])
def test_blocks_of_zeros_after_a_power_cut_are_not_taken_for_data(root: Path, name: str) -> None:
    path = journal(root) / name
    size = path.stat().st_size
    os.truncate(path, size * 2 // 3)
    os.truncate(path, size)
    found = recovered(root)
    assert 2 <= found.rows < ROWS - 3
    assert_is_prefix(root, 1, found.rows)


def test_a_journal_video_can_be_cut_anywhere(root: Path, tmp_path: Path) -> None:
    whole = video_path(journal(root), 'head').read_bytes()
    cut = tmp_path / 'cut.mp4'
    counts = []
    for size in range(0, len(whole), len(whole) // 60):
        cut.write_bytes(whole[:size])
        numbers = [number_in(image) for image in sound_frames(cut, SPEC.cameras[0], FPS)]
        assert numbers == [1000 + 3 * k for k in range(len(numbers))]
        counts.append(len(numbers))
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] >= ROWS - 4


def test_rows_are_sound_up_to_the_first_wrong_value() -> None:
    from vla_mbpo.episodes.features import arrow_schema
    from vla_mbpo.episodes.features import row_batch
    from vla_mbpo.episodes.features import row_columns

    schema = arrow_schema(row_columns(SPEC))
    rows = [make_row(k) for k in range(8)]
    for wrong in (
        replace(rows[5], state=np.array([0.0, np.nan, 0.0])),
        replace(rows[5], tick_ns=rows[4].tick_ns),
    ):
        batches = [row_batch(row, schema) for row in (*rows[:5], wrong, *rows[6:])]
        assert sound_rows(pa.Table.from_batches(batches), SPEC) == 5


def test_what_cannot_be_recovered_is_kept(root: Path) -> None:
    os.truncate(journal(root) / 'head.mp4', 100)
    found = recovered(root)
    assert not found.is_saved
    assert 'no row has all its pictures (24 rows were written)' in str(found)
    assert (found.kept_at / ROWS_FILE).stat().st_size > 1000
    assert len(read_records(DatasetFolder(root), SPEC)) == 1


def test_the_files_are_kept_where_more_than_a_second_is_lost(root: Path) -> None:
    path = video_path(journal(root), 'head')
    os.truncate(path, path.stat().st_size // 3)
    found = recovered(root)
    assert found.rows_found - found.rows > FPS
    assert found.kept_at is not None
    assert (found.kept_at / ROWS_FILE).exists()


def test_a_journal_of_another_dataset_is_kept_and_not_saved(root: Path) -> None:
    path = journal(root) / 'info.json'
    header = json.loads(path.read_text())
    header['spec']['robot'] = 'another'
    path.write_text(json.dumps(header))
    found = recovered(root)
    assert not found.is_saved
    assert 'is of another robot' in str(found)


def test_recovery_that_cannot_write_leaves_the_journal_for_the_next_start(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patched:
        patched.setattr(recovery, 'salvage', full_disk)
        found = recovered(root)
    assert not found.is_saved
    assert found.kept_at == journal(root)
    assert recovered(root).is_saved


@pytest.mark.parametrize('name', ['info.json', 'stats.json', 'tasks.parquet'])
@pytest.mark.parametrize('share', [0.0, 0.6])
def test_torn_derived_files_are_made_again(root: Path, name: str, share: float) -> None:
    DatasetWriter.open(root, SPEC).close()
    path = root / 'meta' / name
    whole = path.read_bytes()
    os.truncate(path, int(len(whole) * share))
    DatasetWriter.open(root, SPEC).close()
    assert path.read_bytes() == whole


def test_a_lost_info_json_still_says_which_robot_it_was(root: Path) -> None:
    (root / 'meta/info.json').unlink()
    with pytest.raises(DatasetError, match='its robot: test_robot; this recorder has robot: other'):
        DatasetWriter.open(root, replace(SPEC, robot='other'))
    with DatasetWriter.open(root, SPEC) as writer:
        assert writer.episodes == 2


def test_torn_temporary_files_are_ignored(root: Path) -> None:
    for name in ('meta/info.json.part', 'meta/episodes/chunk-000/file-001.parquet.part'):
        (root / name).write_bytes(b'{"torn')
    (journal(root) / 'staged.parquet').write_bytes(b'PAR1')
    found = recovered(root)
    assert_is_prefix(root, 1, found.rows)
    assert list(root.rglob('*.part')) == []


def test_a_recovered_video_is_the_recorded_one_without_another_encoding(root: Path) -> None:
    with open_packets(video_path(journal(root), 'head')) as recorded:
        found = recovered(root)
        saved = root / 'videos/observation.images.head/chunk-000/file-001.mp4'
        with open_packets(saved) as copied:
            assert packets(copied, found.rows) == packets(recorded, found.rows)
    assert list(packet_stamps_s(saved)) == [k / exact_rate(FPS) for k in range(found.rows)]


def open_packets(path: Path):
    import av

    return av.open(str(path))


def packets(container, count: int) -> list[bytes]:
    found = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    return found[:count]


def test_kill_9_at_random_points_loses_nothing() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / 'bench/kill.py'), '--points', '20', '--seed', '7'],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'saved episodes lost 0, changed 0, twice 0' in done.stdout


def test_saving_is_possible_after_every_recovery(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(3)))
        assert episode.finish(SUCCESS).index == 2
    assert [f for f in check(root) if f.severity != 'note'] == []
