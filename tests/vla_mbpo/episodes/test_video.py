from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from episode_samples import burned
from episode_samples import number_in

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.colour import to_i420
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.video import VideoEncoder
from vla_mbpo.episodes.video import packet_stamps_s
from vla_mbpo.episodes.video import remux
from vla_mbpo.episodes.video_reader import VideoReader
from vla_mbpo.errors import DatasetError

HEAD = CameraFormat(name='head', width=64, height=48)


def encoded(folder: Path, fps: float, count: int) -> Path:
    encoder = VideoEncoder(folder / 'journal.mp4', HEAD, fps, final=folder / 'direct.mp4')
    encoder.start()
    for k in range(count):
        assert encoder.put(burned(k))
    encoder.close()
    assert encoder.histogram.frames == count
    return folder / 'journal.mp4'


@pytest.mark.parametrize('fps', [15.0, 10.0, 12.5, 29.97, 30000 / 1001])
def test_frame_k_is_stamped_exactly_k_over_fps(tmp_path: Path, fps: float) -> None:
    journal = encoded(tmp_path, fps, 40)
    assert remux(journal, tmp_path / 'final.mp4', fps) == 40
    expected = [k / exact_rate(fps) for k in range(40)]
    assert list(packet_stamps_s(journal)) == expected
    assert list(packet_stamps_s(tmp_path / 'final.mp4')) == expected


def test_rates_stand_for_their_fractions() -> None:
    assert exact_rate(29.97002997) == Fraction(30000, 1001)
    assert exact_rate(15.0) == 15


def test_any_frame_can_be_read_in_any_order(tmp_path: Path) -> None:
    remux(encoded(tmp_path, 15.0, 40), tmp_path / 'final.mp4', 15.0)
    reader = VideoReader(tmp_path, tmp_path / 'final.mp4', 15.0)
    order = [0, 1, 2, 39, 7, 6, 7, 8, 8, 0, *np.random.default_rng(0).integers(0, 40, 20)]
    assert [number_in(reader.frame(int(k))) for k in order] == order
    assert [number_in(image) for image in reader.frames()] == list(range(40))
    assert number_in(reader.frame(13)) == 13
    with pytest.raises(DatasetError, match=r'final.mp4 has no frame 40'):
        reader.frame(40)
    reader.close()


def test_a_full_queue_repeats_the_picture_before_and_says_so(tmp_path: Path) -> None:
    encoder = VideoEncoder(tmp_path / 'v.mp4', HEAD, 15.0, final=tmp_path / 'final.mp4', capacity=2)
    taken = [encoder.put(burned(k)) for k in range(5)]  # not started: nothing drains the queue
    encoder.start()
    encoder.close()
    assert taken == [True, True, False, False, False]
    reader = VideoReader(tmp_path, tmp_path / 'v.mp4', 15.0)
    assert [number_in(image) for image in reader.frames()] == [0, 1, 1, 1, 1]
    reader.close()


def test_what_stops_an_encoder_is_raised_at_the_next_frame(tmp_path: Path) -> None:
    encoder = VideoEncoder(
        tmp_path / 'no' / 'such' / 'folder.mp4', HEAD, 15.0, final=tmp_path / 'final.mp4'
    )
    encoder.start()
    encoder.put(burned(0))
    with pytest.raises(FileNotFoundError):
        encoder.close()
    with pytest.raises(FileNotFoundError):
        encoder.put(burned(0))


def test_what_is_saved_and_what_survives_a_crash_hold_the_same_frames(tmp_path: Path) -> None:
    journal = encoded(tmp_path, 15.0, 12)
    remux(journal, tmp_path / 'remuxed.mp4', 15.0)
    numbers = []
    for name in ('direct.mp4', 'remuxed.mp4'):
        assert list(packet_stamps_s(tmp_path / name)) == [Fraction(k, 15) for k in range(12)]
        reader = VideoReader(tmp_path, tmp_path / name, 15.0)
        numbers.append([number_in(image) for image in reader.frames()])
        reader.close()
    assert numbers == [list(range(12))] * 2


def test_only_as_many_frames_are_copied_as_asked_for(tmp_path: Path) -> None:
    assert remux(encoded(tmp_path, 15.0, 12), tmp_path / 'cut.mp4', 15.0, frames=7) == 7
    assert len(list(packet_stamps_s(tmp_path / 'cut.mp4'))) == 7


def test_colours_are_stored_as_close_as_the_usual_conversion_stores_them() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = np.repeat(np.repeat(coarse, 40, axis=0), 40, axis=1)
    image[::7] = 255 - image[::7]
    usual = av.VideoFrame.from_ndarray(image, format='rgb24').reformat(format='yuv420p')
    ours = av.VideoFrame.from_ndarray(to_i420(image), format='yuv420p')
    errors = [
        float(np.mean((frame.to_ndarray(format='rgb24').astype(float) - image) ** 2))
        for frame in (ours, usual)
    ]
    assert errors[0] <= 1.02 * errors[1]
    luma = ours.to_ndarray()[:480].astype(int) - usual.to_ndarray()[:480]
    assert np.abs(luma).max() <= 1
