"""A recording keeps what was complete, labels the last row, and never mixes episodes."""

from pathlib import Path

import numpy as np
import pytest

from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.schema import ACTION
from vla_mbpo.episodes.schema import STATE
from vla_mbpo.episodes.schema import SUCCESS
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.sync_config import SyncConfig
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo_robot.recording import Recording

MS = 1_000_000
INFO = EpisodeInfo(task='pick_cup', instruction='pick up the cup')
SPEC = DatasetSpec(
    robot='arx_x5',
    fps=10.0,
    state_names=('a', 'b'),
    state_units=('rad', 'rad'),
    action_names=('a', 'b'),
    action_units=('rad', 'rad'),
    cameras=tuple(CameraFormat(name=name, width=64, height=48) for name in ('head', 'left_wrist')),
)


@pytest.fixture
def recording(tmp_path: Path):
    writer = DatasetWriter.open(tmp_path / 'set', SPEC)
    made = Recording(writer, SPEC, SyncConfig(record_rate_hz=10.0, camera_rate_hz=30.0))
    yield made
    made.close()


def feed(recording: Recording, start_ms: int, stop_ms: int, *, success: bool = False) -> None:
    """States and commands at 100 Hz, frames at 30 Hz; the state is the time in s."""
    for t_ms in range(start_ms, stop_ms, 10):
        vector = np.array([t_ms / 1e3, -t_ms / 1e3])
        recording.sync.push_state(t_ms * MS, vector)
        recording.sync.push_sent(t_ms * MS, vector + 100)
        recording.sync.push_requested(t_ms * MS, vector + 200, Source.TELEOP)
        recording.sync.push_success(t_ms * MS, success)
        if t_ms % 30 == 0:
            for camera in SPEC.camera_names:
                image = np.full((48, 64, 3), t_ms % 251, np.uint8)
                recording.sync.push_frame(camera, image, capture_ns=t_ms * MS, receipt_ns=t_ms * MS)
        recording.pump()


def test_an_episode_holds_only_what_came_between_start_and_finish(recording: Recording) -> None:
    feed(recording, 0, 1000)
    assert recording.start(INFO, 1000 * MS) == 0
    feed(recording, 1000, 2000)
    summary = recording.finish(EpisodeResult(outcome='success'))
    feed(recording, 2000, 3000)
    episode = DatasetReader(recording._writer.root).episode(0)
    times = episode.columns[STATE][:, 0]
    assert times.min() >= 1.0
    assert times.max() <= 2.0
    assert summary.frames == len(times) >= 8
    np.testing.assert_allclose(np.diff(times), 0.1, atol=0.021)


def test_the_action_of_a_row_is_what_was_sent_one_period_later(recording: Recording) -> None:
    recording.start(INFO, 0)
    feed(recording, 0, 1000)
    recording.finish(EpisodeResult(outcome='success'))
    columns = DatasetReader(recording._writer.root).episode(0).columns
    np.testing.assert_allclose(columns[ACTION][:, 0] - 100, columns[STATE][:, 0] + 0.1, atol=1e-4)


@pytest.mark.parametrize(('outcome', 'last'), [('success', True), ('failure', False)])
def test_the_last_row_carries_the_outcome_even_without_a_detector(
    recording: Recording, outcome: str, *, last: bool
) -> None:
    recording.start(INFO, 0)
    feed(recording, 0, 1000)
    recording.finish(EpisodeResult(outcome=outcome))
    success = DatasetReader(recording._writer.root).episode(0).columns[SUCCESS]
    assert success[-1] == last
    assert not success[:-1].any()


def test_a_discarded_episode_leaves_no_trace_and_the_next_takes_its_index(
    recording: Recording,
) -> None:
    recording.start(INFO, 0)
    feed(recording, 0, 500)
    recording.discard()
    assert recording.start(INFO, 1000 * MS) == 0
    feed(recording, 1000, 1500)
    assert recording.finish(EpisodeResult(outcome='success')).index == 0
    assert recording.saved == 1


def test_starting_twice_and_finishing_nothing_are_refused_in_words(recording: Recording) -> None:
    with pytest.raises(VlaMbpoError, match='no episode is open'):
        recording.finish(EpisodeResult(outcome='success'))
    recording.start(INFO, 0)
    with pytest.raises(VlaMbpoError, match='episode 0 is still open'):
        recording.start(INFO, 0)


def test_an_episode_without_a_row_is_not_saved(recording: Recording) -> None:
    recording.start(INFO, 0)
    with pytest.raises(VlaMbpoError, match='no complete row'):
        recording.finish(EpisodeResult(outcome='success'))
    assert recording.saved == 0
    assert not recording.is_open


@pytest.mark.parametrize('bad_from_ms', [350, 400], ids=['before the last row', 'in the last row'])
def test_an_unfit_row_at_the_end_leaves_room_for_the_next_episode(
    recording: Recording, bad_from_ms: int
) -> None:
    recording.start(INFO, 0)
    feed(recording, 0, bad_from_ms)
    for t_ms in range(bad_from_ms, 700, 10):
        recording.sync.push_state(t_ms * MS, np.array([np.nan, 0.0]))
        recording.sync.push_sent(t_ms * MS, np.zeros(2))
        if t_ms % 30 == 0:
            for camera in SPEC.camera_names:
                image = np.zeros((48, 64, 3), np.uint8)
                recording.sync.push_frame(camera, image, capture_ns=t_ms * MS, receipt_ns=t_ms * MS)
    with pytest.raises(DatasetError, match='finite'):
        recording.finish(EpisodeResult(outcome='success'))
    assert not recording.is_open
    assert recording.start(INFO, 1000 * MS) == 0
    feed(recording, 1000, 2000)
    assert recording.finish(EpisodeResult(outcome='success')).index == 0


def test_an_unfit_row_ends_the_episode_and_keeps_its_journal(recording: Recording) -> None:
    recording.start(INFO, 0)
    feed(recording, 0, 500)
    for t_ms in range(500, 700, 10):
        recording.sync.push_state(t_ms * MS, np.array([np.nan, 0.0]))
    with pytest.raises(DatasetError, match='finite'):
        feed(recording, 700, 1500)
    assert not recording.is_open
    assert any((recording._writer.root / '.journal').iterdir())
