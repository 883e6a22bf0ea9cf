"""Whatever befalls the streams, no saved row pairs a picture with the state of another time without a flag.

Pictures and joint states carry their true time; rows are judged after the saved videos were decoded.
"""

import time
from pathlib import Path

import numpy as np
import pytest
from episode_samples import burned
from synthetic_robot import ACTION_OFFSET
from synthetic_robot import CAMERA_RATE_HZ
from synthetic_robot import Event
from synthetic_robot import Fault
from synthetic_robot import Pairing
from synthetic_robot import burst
from synthetic_robot import clock_set
from synthetic_robot import events
from synthetic_robot import frozen
from synthetic_robot import pairing
from synthetic_robot import stalled

from vla_mbpo.episodes import video
from vla_mbpo.episodes.check import check
from vla_mbpo.episodes.reader import DatasetReader
from vla_mbpo.episodes.record import EpisodeRecord
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.schema import EpisodeInfo
from vla_mbpo.episodes.schema import EpisodeResult
from vla_mbpo.episodes.schema import Flag
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import Source
from vla_mbpo.episodes.sync_config import SyncConfig
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo_robot.recording import Recording

CAMERAS = ('head', 'left_wrist', 'right_wrist')
SPEC = DatasetSpec(
    robot='test_robot',
    fps=15.0,
    state_names=('time', 'other'),
    state_units=('s', 's'),
    action_names=('time', 'other'),
    action_units=('s', 's'),
    cameras=tuple(CameraFormat(name=name, width=64, height=48) for name in CAMERAS),
)
CONFIG = SyncConfig(record_rate_hz=SPEC.fps, camera_rate_hz=CAMERA_RATE_HZ)
START_NS = 1_700_000_000_000_000_000
SECONDS = 5.0


def at_ns(time_s: float) -> int:
    return START_NS + round(time_s * 1e9)


def deliver(recording: Recording, event: Event) -> None:
    """What the recorder node does with a message."""
    sync, stamp_ns, receipt_ns = recording.sync, at_ns(event.stamp_s), at_ns(event.arrival_s)
    if event.kind == 'frame':
        sync.push_frame_metadata(
            event.camera,
            capture_ns=stamp_ns,
            frame_number=event.number,
            domain=ClockDomain.GLOBAL,
        )
        picture = burned(event.shown)
        sync.push_frame(event.camera, picture, capture_ns=stamp_ns, receipt_ns=receipt_ns)
        recording.pump()
        return
    vector = np.array([event.true_s, 0.0])
    if event.kind == 'state':
        sync.push_state(stamp_ns, vector, receipt_ns=receipt_ns)
    elif event.kind == 'sent':
        sync.push_sent(stamp_ns, vector + ACTION_OFFSET, receipt_ns=receipt_ns)
    else:
        sync.push_requested(stamp_ns, vector, Source.TELEOP, receipt_ns=receipt_ns)


def recorded(
    root: Path, *faults: Fault, queued_frames: int = 1000, is_paced: bool = False
) -> tuple[Pairing, EpisodeRecord]:
    """An episode of five seconds under faults, as it was saved."""
    with DatasetWriter.open(root, SPEC, queued_frames=queued_frames) as writer:
        recording = Recording(writer, SPEC, CONFIG)
        recording.start(EpisodeInfo(task='pick_cup', instruction='pick up the cup'), at_ns(0))
        started_s = time.monotonic()
        for event in events(SPEC, SECONDS, *faults):
            if is_paced:
                time.sleep(max(started_s + event.arrival_s - time.monotonic(), 0.0))
            deliver(recording, event)
        recording.finish(EpisodeResult(outcome='success'))
    with DatasetReader(root) as reader:
        return pairing(reader.episode(0), CAMERAS), reader.records[0]


def test_without_a_fault_every_row_is_right_and_none_is_flagged(tmp_path: Path) -> None:
    found, record = recorded(tmp_path / 'set')
    assert len(found.flags) >= 72
    assert not found.is_wrong.any()
    assert not found.flags.any()
    assert record.quality.verdict == 'good'
    assert [f for f in check(tmp_path / 'set') if f.severity != 'note'] == []


@pytest.mark.parametrize('camera', CAMERAS)
def test_a_camera_that_stalls_leaves_flagged_rows(camera: str, tmp_path: Path) -> None:
    found, record = recorded(tmp_path / 'set', stalled(camera, 2.0, 2.6))
    assert found.unflagged_wrong == []
    assert found.flagged_between(2.1, 2.5).all()
    assert not found.flagged_between(0.0, 1.9).any()
    assert not found.flagged_between(2.7, 9.0).any()
    assert record.quality.verdict == 'bad'


@pytest.mark.parametrize('camera', CAMERAS)
@pytest.mark.parametrize('seconds', [0.4, 1.4])
def test_pictures_that_arrive_in_a_burst_go_to_their_own_rows(
    camera: str, seconds: float, tmp_path: Path
) -> None:
    found, record = recorded(tmp_path / 'set', burst(camera, 2.0, 2.0 + seconds))
    assert found.unflagged_wrong == []
    if seconds < CONFIG.max_wait_s:  # the rows waited for them
        assert not found.flags.any()
        assert not found.is_wrong.any()
    assert f'"{camera}": ' in record.sync_report.partition('"late": ')[2].partition('}')[0]


@pytest.mark.parametrize('place', range(3))
def test_a_picture_that_is_repeated_under_new_stamps_is_flagged(place: int, tmp_path: Path) -> None:
    first_s = 2.0 + place * 0.004
    fault = frozen(CAMERAS[place], first_s, 2.5, place=place)
    found, record = recorded(tmp_path / 'set', fault)
    assert found.is_wrong.any()
    assert found.unflagged_wrong == []
    assert (found.flags[found.is_wrong] & Flag.REPEATED_FRAME).all()
    assert np.count_nonzero(found.flags) <= np.count_nonzero(found.is_wrong) + 1
    assert f'"{CAMERAS[place]}": 14' in record.sync_report.partition('"repeated": ')[2]


@pytest.mark.parametrize('camera', CAMERAS)
@pytest.mark.parametrize('by_s', [1.5, 0.2, -0.2, -1.5])
def test_a_clock_that_is_set_and_set_right_again_leaves_flagged_rows(
    camera: str, by_s: float, tmp_path: Path
) -> None:
    found, _ = recorded(tmp_path / 'set', clock_set(camera, 2.0, 3.0, by_s=by_s))
    assert found.unflagged_wrong == []
    assert found.flagged_between(2.1, 2.9).all()
    assert not found.flagged_between(0.0, 1.8).any()
    assert not found.flagged_between(3.3, 9.0).any()


def test_an_encoder_that_stalls_for_1_4_s_leaves_flagged_rows_and_no_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert, calls = video.to_i420, [0]

    def convert_slowly_once(image: Image) -> Image:
        calls[0] += 1
        if calls[0] == 60:
            time.sleep(1.4)
        return convert(image)

    monkeypatch.setattr(video, 'to_i420', convert_slowly_once)
    found, record = recorded(tmp_path / 'set', queued_frames=6, is_paced=True)
    assert found.is_wrong.sum() >= 10
    assert found.unflagged_wrong == []
    assert (found.flags[found.is_wrong] & Flag.ENCODER_STALL).all()
    assert record.length == len(found.flags) >= 72
    np.testing.assert_allclose(np.diff(found.state_s), 1 / 15, atol=1e-3)
