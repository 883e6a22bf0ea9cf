"""Hostile names, damaged files, clocks that run backwards, disks that are full or read-only: a clear error each."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import record

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.disk_sync import DiskSync
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.episodes.writer import EpisodeWriter
from vla_mbpo.errors import DatasetError

HOSTILE = ('../../etc', 'a/b', '', '.', '..', '-rf', 'x\n', 'caf\u00e9', 'n' * 300, 'a\x00b', 'a b')


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / 'set', episodes=2, rows=6)


def errors_in(root: Path) -> list[str]:
    return [f'{f.where}: {f.message}' for f in check(root) if f.severity == 'error']


@pytest.mark.parametrize('name', HOSTILE)
def test_a_camera_name_that_is_no_file_name_is_refused_before_anything_is_created(
    tmp_path: Path, name: str
) -> None:
    spec = replace(SPEC, cameras=(CameraFormat(name=name, width=64, height=48),))
    with pytest.raises(DatasetError, match='cannot be a file name; expected at most 64 letters'):
        DatasetWriter.open(tmp_path / 'set', spec)
    assert not (tmp_path / 'set').exists()


@pytest.mark.parametrize(
    ('field', 'text', 'message'),
    [
        ('task', 'a\x1b[2Jb', r"task 'a\\x1b\[2Jb' has control characters"),
        ('instruction', 'two\nlines', 'instruction .* has control characters'),
        ('operator', '\ud800', 'operator .* is no Unicode text'),
        ('condition', 'x' * 5000, 'condition has 5000 characters, expected at most 2000'),
        ('instruction', '', 'task and instruction are needed'),
    ],
)
def test_texts_that_cannot_be_stored_are_refused_at_the_start(
    root: Path, field: str, text: str, message: str
) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        with pytest.raises(DatasetError, match=f'episode 2 cannot be started: {message}'):
            writer.start(replace(INFO, **{field: text}))
        assert list(writer.folder.journals()) == []


def test_paths_and_quotes_in_texts_are_only_texts(root: Path) -> None:
    odd = '../../etc/passwd; rm -rf "$HOME" \u4f60\u597d {0} %s'
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(replace(INFO, instruction=odd, condition=odd, operator=odd))
        record(episode, map(make_row, range(3)))
        episode.finish(EpisodeResult(outcome='failure', note=odd))
    with DatasetReader(root) as reader:
        assert reader.episode(2).info.instruction == odd
    assert errors_in(root) == []


def test_time_that_runs_backwards_is_refused_and_the_episode_goes_on(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(3)))
        for row in (make_row(2), make_row(1)):
            with pytest.raises(DatasetError, match='row 3 of episode 2: time runs backwards'):
                episode.add(row)
        episode.add(make_row(3))
        assert episode.finish(SUCCESS).frames == 4
    assert errors_in(root) == []


def test_a_row_without_a_stamp_of_a_camera_is_refused(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        with pytest.raises(DatasetError, match='has no capture time of left_wrist'):
            episode.add(
                replace(
                    make_row(0),
                    capture_ns={k: v for k, v in make_row(0).capture_ns.items() if 'left' not in k},
                )
            )
        episode.discard()


def test_an_episode_cannot_end_without_a_label(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        episode.add(make_row(0))
        with pytest.raises(DatasetError, match='an episode ends with success or failure'):
            episode.finish(EpisodeResult(outcome='unlabelled'))
        assert episode.finish(SUCCESS).outcome == 'success'


@pytest.mark.parametrize(
    'name',
    ['data/chunk-000/file-001.parquet', 'meta/episodes/chunk-000/file-001.parquet'],
)
def test_a_damaged_saved_file_is_named_and_nothing_is_touched(root: Path, name: str) -> None:
    (root / name).write_bytes(b'PAR1 not any more PAR1')
    before = sorted(path for path in root.rglob('*') if path.name != 'lock')
    with pytest.raises(DatasetError, match=f'{name} cannot be read'):
        DatasetWriter.open(root, SPEC)
    assert sorted(path for path in root.rglob('*') if path.name != 'lock') == before


def test_a_damaged_video_is_named_when_it_is_read(root: Path) -> None:
    name = 'videos/observation.images.head/chunk-000/file-001.mp4'
    (root / name).write_bytes(b'not a video')
    with (
        DatasetReader(root) as reader,
        pytest.raises(DatasetError, match=f'{name} cannot be read'),
    ):
        reader.episode(1).frame('head', 0)


def test_a_journal_folder_that_disappears_ends_the_episode_with_a_clear_error(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(3)))
        (journal,) = writer.folder.journals()
        time.sleep(0.3)  # the encoders have opened their files
        shutil.rmtree(journal)
        with pytest.raises(DatasetError, match='was removed while it was recorded') as caught:
            add_until_it_fails(episode.add)
        assert 'Its' in str(caught.value)
        assert 'rows are lost; the 2 saved episodes are intact' in str(caught.value)
        again = writer.start(INFO)
        record(again, map(make_row, range(3)))
        assert again.finish(SUCCESS).index == 2
    assert errors_in(root) == []


def add_until_it_fails(add) -> None:
    deadline_s = time.monotonic() + 5.0
    k = 3
    while time.monotonic() < deadline_s:
        add(make_row(k))
        k += 1
        time.sleep(0.02)


def test_finishing_without_a_journal_folder_says_so(root: Path) -> None:
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(3)))
        (journal,) = writer.folder.journals()
        time.sleep(0.3)  # the encoders have opened their files
        shutil.rmtree(journal)
        with pytest.raises(DatasetError, match='was removed while it was recorded'):
            episode.finish(SUCCESS)
        assert writer.episodes == 2


def test_open_files_are_flushed_to_the_disk_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / 'growing'
    path.touch()
    sync = DiskSync([path], period_s=0.01)
    sync.start()
    deadline_s = time.monotonic() + 5.0
    while sync.rounds < 3 and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert sync.rounds >= 3
    path.unlink()
    while time.monotonic() < deadline_s:
        try:
            sync.check()
        except FileNotFoundError:
            break
        time.sleep(0.01)
    else:
        pytest.fail('a file that was removed should be reported')
    sync.stop()


def mounted(folder: Path, options: str) -> None:
    """Mount a small file system of its own, or skip."""
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which('mount') is None:
        pytest.skip('needs root and mount, to have a small disk of its own')
    command = ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f'mount is not allowed here: {done.stderr.strip()}')


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """1 MB of space."""
    folder = tmp_path / 'disk'
    mounted(folder, 'size=1m')
    yield folder
    subprocess.run(['umount', '--lazy', str(folder)], check=True)


def test_a_disk_that_is_really_full_ends_the_open_episode_and_no_other(small_disk: Path) -> None:
    root = small_disk / 'set'
    with DatasetWriter.open(root, SPEC, min_free_bytes=0) as writer:
        first = writer.start(INFO)
        record(first, map(make_row, range(10)))
        first.finish(SUCCESS)
        second = writer.start(INFO)
        record(second, map(make_row, range(10)))
        time.sleep(0.3)
        ballast = small_disk / 'ballast'
        fill(ballast)
        with pytest.raises(
            DatasetError, match='episode 1 was not saved: the disk is full'
        ) as caught:
            fill_up(second)
        assert 'the 1 saved episodes are intact' in str(caught.value)
        with DatasetReader(root) as reader:
            assert len(reader.episode(0)) == 10
        ballast.unlink()
        third = writer.start(INFO)
        record(third, map(make_row, range(5)))
        third.finish(SUCCESS)
    with DatasetWriter.open(root, SPEC, min_free_bytes=0) as writer:
        (recovered,) = writer.recovered
        assert recovered.is_saved
        assert recovered.rows >= 10
        assert [summary.frames for summary in writer.summaries[:2]] == [10, 5]
    assert errors_in(root) == []


def fill_up(episode: EpisodeWriter) -> None:
    """Record until it fails, at the latest when it is saved."""
    record(episode, map(make_row, range(10, 500)))
    episode.finish(SUCCESS)


def test_recovery_on_a_full_disk_loses_nothing_and_is_done_when_there_is_space(
    small_disk: Path,
) -> None:
    root = small_disk / 'set'
    DatasetWriter.open(root, SPEC).close()
    writer = DatasetWriter.open(root, SPEC, min_free_bytes=0)
    episode = writer.start(INFO)
    record(episode, map(make_row, range(20)))
    time.sleep(0.3)
    writer.close()
    ballast = small_disk / 'ballast'
    fill(ballast)
    with DatasetWriter.open(root, SPEC, min_free_bytes=0) as full:
        (kept,) = full.recovered
    assert not kept.is_saved
    assert 'could not be saved' in str(kept)
    assert 'No space left on device' in str(kept)
    ballast.unlink()
    with DatasetWriter.open(root, SPEC, min_free_bytes=0) as writer:
        assert writer.episodes == 1
    assert errors_in(root) == []


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open('wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_read_only_disk_is_named_and_its_dataset_can_still_be_read(tmp_path: Path) -> None:
    folder = tmp_path / 'disk'
    mounted(folder, 'size=4m')
    try:
        sound = make_dataset(tmp_path / 'sound', episodes=1, rows=3)
        root = Path(shutil.copytree(sound, folder / 'set'))
        subprocess.run(['mount', '-o', 'remount,ro', str(folder)], check=True)
        with pytest.raises(DatasetError, match='cannot be written to: Read-only file system'):
            DatasetWriter.open(root, SPEC)
        with DatasetReader(root) as reader:
            assert len(reader.episode(0)) == 3
    finally:
        subprocess.run(['umount', '--lazy', str(folder)], check=True)
