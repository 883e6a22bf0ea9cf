import json
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from episode_samples import CAMERAS
from episode_samples import INFO
from episode_samples import SPEC
from episode_samples import SUCCESS
from episode_samples import make_dataset
from episode_samples import make_row
from episode_samples import number_in
from episode_samples import record
from episode_samples import report

from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.folder import DatasetFolder
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError


def everything_in(root: Path) -> dict[str, bytes]:
    """All files below `root` but the lock, with content."""
    found = (path for path in root.rglob('*') if path.is_file() and path.name != 'lock')
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(found)}


def errors_in(root: Path) -> list[str]:
    return [f'{f.where}: {f.message}' for f in check(root) if f.severity != 'note']


def test_a_saved_episode_reads_back_row_for_row(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=20)
    with DatasetReader(root) as reader:
        assert reader.spec == SPEC
        episode = reader.episode(1)
        assert episode.info == INFO
        for k in range(20):
            row = make_row(k, offset=1000)
            np.testing.assert_array_equal(
                episode['observation.state'][k], row.state.astype(np.float32)
            )
            np.testing.assert_array_equal(episode['action'][k], row.action.astype(np.float32))
            assert episode['time.tick_ns'][k] == row.tick_ns
            for i, camera in enumerate(CAMERAS):
                assert episode[f'time.{camera}.capture_ns'][k] == row.capture_ns[camera]
                assert number_in(episode.frame(camera, k)) == 1000 + 3 * k + i
    assert errors_in(root) == []


def test_a_dataset_is_continued_where_it_ended(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=1, rows=5)
    with DatasetWriter.open(root, SPEC) as writer:
        assert writer.episodes == 1
        episode = writer.start(replace(INFO, instruction='put the cup down'))
        record(episode, map(make_row, range(7)))
        summary = episode.finish(EpisodeResult(outcome='failure', note='dropped'))
    assert (summary.index, summary.frames, summary.outcome) == (1, 7, 'failure')
    with DatasetReader(root) as reader:
        assert list(reader.episode(1)['index']) == list(range(5, 12))
        assert list(reader.episode(1)['task_index']) == [1] * 7
        assert reader.episode(1).result.note == 'dropped'
        assert reader.info['total_frames'] == 12
    assert errors_in(root) == []


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        (
            replace(SPEC, robot='arx_x5'),
            'its robot: test_robot; this recorder has robot: arx_x5. Use another folder',
        ),
        (replace(SPEC, fps=10.0), 'its rate: 15 Hz; this recorder has rate: 10 Hz'),
        (
            replace(SPEC, cameras=SPEC.cameras[:1]),
            'its cameras: head 64x48, left_wrist 64x48, right_wrist 64x48; '
            'this recorder has cameras: head 64x48',
        ),
        (
            replace(SPEC, state_names=('joint1', 'joint3', 'gripper')),
            r'its state: joint1 \[rad\], joint2 .* has state: joint1 \[rad\], joint3',
        ),
        (replace(SPEC, action_units=('rad', 'rad', 'rad')), 'its action: .*gripper .m.; .*'),
    ],
)
def test_another_kind_of_recording_is_refused_and_nothing_is_touched(
    tmp_path: Path, other: DatasetSpec, message: str
) -> None:
    root = make_dataset(tmp_path / 'set', episodes=1, rows=3)
    before = everything_in(root)
    with pytest.raises(DatasetError, match=message):
        DatasetWriter.open(root, other)
    assert everything_in(root) == before


def test_a_folder_of_something_else_is_refused_and_nothing_is_created(tmp_path: Path) -> None:
    (tmp_path / 'thesis.tex').write_text('x')
    with pytest.raises(DatasetError, match=r'holds no meta/info.json but: thesis.tex'):
        DatasetWriter.open(tmp_path, SPEC)
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.tex']


def test_odd_picture_sizes_are_refused_before_anything_is_created(tmp_path: Path) -> None:
    odd = replace(SPEC, cameras=(CameraFormat(name='head', width=641, height=480),))
    with pytest.raises(DatasetError, match='head is 641x480; h264 needs an even width and height'):
        DatasetWriter.open(tmp_path / 'set', odd)
    assert not (tmp_path / 'set').exists()


def test_two_recorders_on_one_folder_are_refused(tmp_path: Path) -> None:
    first = DatasetWriter.open(tmp_path / 'set', SPEC)
    with pytest.raises(DatasetError, match=r'is being written to by process \d+'):
        DatasetWriter.open(tmp_path / 'set', SPEC)
    first.close()
    DatasetWriter.open(tmp_path / 'set', SPEC).close()


def test_a_discarded_episode_leaves_no_trace(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=1, rows=3)
    before = everything_in(root)
    with DatasetWriter.open(root, SPEC) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(10)))
        episode.discard()
        again = writer.start(INFO)
        assert again.index == 1
        again.discard()
    assert everything_in(root) == before


def test_an_episode_without_rows_is_not_saved(tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        with pytest.raises(DatasetError, match='episode 0 has no rows; not saved'):
            writer.start(INFO).finish(SUCCESS)
        assert writer.episodes == 0
        assert writer.start(INFO).index == 0


@pytest.mark.parametrize('field', ['state', 'action', 'action_requested'])
def test_a_row_that_is_not_finite_is_refused_and_the_episode_goes_on(
    tmp_path: Path, field: str
) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        episode = writer.start(INFO)
        episode.add(make_row(0))
        bad = replace(make_row(1), **{field: np.array([0.0, np.nan, 0.0])})
        with pytest.raises(DatasetError, match=r'row 1 of episode 0: .*not finite in: joint2'):
            episode.add(bad)
        episode.add(make_row(1))
        assert episode.finish(SUCCESS).frames == 2
    assert errors_in(tmp_path / 'set') == []


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        episode = writer.start(INFO)
        with pytest.raises(DatasetError, match=r'state has shape \(2,\), expected \(3,\)'):
            episode.add(replace(make_row(0), state=np.zeros(2)))
        small = np.zeros((24, 32, 3), dtype=np.uint8)
        with pytest.raises(DatasetError, match=r'head picture is uint8 \(24, 32, 3\), expected'):
            episode.add(replace(make_row(0), images={**make_row(0).images, 'head': small}))
        with pytest.raises(DatasetError, match=r"pictures of \['head'\], expected"):
            episode.add(replace(make_row(0), images={'head': make_row(0).images['head']}))


def test_only_one_episode_is_open_at_a_time(tmp_path: Path) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        first = writer.start(INFO)
        with pytest.raises(DatasetError, match='episode 0 is still open'):
            writer.start(INFO)
        first.discard()
        with pytest.raises(DatasetError, match='episode 0 is not open any more'):
            first.add(make_row(0))


def test_a_nearly_full_disk_is_refused_before_recording(tmp_path: Path) -> None:
    writer = DatasetWriter.open(tmp_path / 'set', SPEC, min_free_bytes=1 << 60)
    with pytest.raises(DatasetError, match=r'MB free on its disk, an episode needs \d+ MB'):
        writer.start(INFO)
    assert list(writer.folder.journal.glob('episode-*')) == []
    writer.close()


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatasetError, match=r'file/set: cannot be written to: Not a directory'):
        DatasetWriter.open(tmp_path / 'file' / 'set', SPEC)


def test_a_stalled_encoder_repeats_a_frame_with_its_stamps_and_shifts_nothing(
    tmp_path: Path,
) -> None:
    root = tmp_path / 'set'
    with DatasetWriter.open(root, SPEC, queued_frames=1) as writer:
        episode = writer.start(INFO)
        record(episode, map(make_row, range(150)))
        summary = episode.finish(SUCCESS, report(150))
    assert summary.flagged_rows > 0, 'the encoders kept up; the queue was never full'
    assert errors_in(root) == []
    with DatasetReader(root) as reader:
        stored = reader.episode(0)
        stalls = 0
        for i, camera in enumerate(CAMERAS):
            for k, image in enumerate(stored.frames(camera)):
                shown = (number_in(image) - i) // 3
                assert stored[f'time.{camera}.capture_ns'][k] == make_row(shown).capture_ns[camera]
                if shown != k:
                    stalls += 1
                    assert stored['flags'][k] & Flag.ENCODER_STALL
        assert stalls > 0


def test_derived_files_are_brought_up_to_date_when_a_save_was_cut_short(tmp_path: Path) -> None:
    root = make_dataset(tmp_path / 'set', episodes=2, rows=4)
    whole = {name: (root / 'meta' / name).read_bytes() for name in ('info.json', 'stats.json')}
    info = json.loads(whole['info.json'])
    (root / 'meta/info.json').write_text(json.dumps({**info, 'total_episodes': 1}))
    (root / 'meta/stats.json').unlink()
    DatasetWriter.open(root, SPEC).close()
    assert {name: (root / 'meta' / name).read_bytes() for name in whole} == whole


def test_leftovers_are_saved_or_kept_and_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_dataset(tmp_path / 'set', episodes=3, rows=4)
    folder = DatasetFolder(root)
    data = folder.data(2).read_bytes()
    folder.episode_metadata(2).unlink()  # as if the commit had not happened
    writer = DatasetWriter.open(root, SPEC)
    writer.start(INFO).add(make_row(0))
    writer.close()
    with caplog.at_level(logging.WARNING), DatasetWriter.open(root, SPEC) as again:
        (journal,) = again.recovered
    (orphan,) = writer.recovered
    assert (orphan.episode, orphan.is_saved, journal.episode) == (2, False, 2)
    assert (orphan.kept_at / 'data/chunk-000/file-002.parquet').read_bytes() == data
    assert 'an unsaved recording of episode 2 is kept at' in caplog.text
    assert errors_in(root) == []


def test_an_abandoned_episode_makes_way_for_the_next_one_and_is_saved_after_it(
    tmp_path: Path,
) -> None:
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        first = writer.start(INFO)
        record(first, map(make_row, range(40)))
        time.sleep(0.3)  # the encoders catch up
        first.abandon()
        second = writer.start(INFO)
        record(second, map(make_row, range(3)))
        assert second.finish(SUCCESS).index == 0
    with DatasetWriter.open(tmp_path / 'set', SPEC) as writer:
        (recovered,) = writer.recovered
        assert (recovered.episode, recovered.outcome) == (1, 'unlabelled')
        assert [summary.outcome for summary in writer.summaries] == ['success', 'unlabelled']
    assert errors_in(tmp_path / 'set') == []


def test_the_thousandth_episode_opens_a_new_chunk(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path)
    assert folder.data(999) == tmp_path / 'data/chunk-000/file-999.parquet'
    assert folder.data(1000) == tmp_path / 'data/chunk-001/file-000.parquet'
    assert folder.video('observation.images.head', 2001).parent.name == 'chunk-002'
