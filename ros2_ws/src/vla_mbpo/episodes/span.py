"""Pictures of a stretch of a video file that may hold several episodes; any codec that PyAV decodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vla_mbpo.episodes.schema import Image

STAMP_TOLERANCE = Fraction(1, 10_000)
"""Seconds by which a frame may lie off its row: LeRobot's own tolerance."""


@dataclass(frozen=True, kw_only=True)
class VideoSpan:
    """Frames `first` to `first + count` of a video whose frame k is stamped k / rate."""

    path: Path
    rate: Fraction
    first: int
    count: int
    """Frames that the metadata gives to the episode."""

    def frames(self) -> Iterator['av.VideoFrame']:
        """The frames in order, each once; fewer than `count` if the file ends or has a gap.

        Raises:
            OSError, ValueError: the file cannot be read or decoded.
        """
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            if self.first:
                stamp = round(self.first / self.rate / stream.time_base)
                container.seek(stamp, stream=stream)
            wanted = self.first
            for frame in container.decode(stream):
                number = round(frame.pts * frame.time_base * self.rate)
                if number < wanted:
                    continue
                if number > wanted or wanted == self.first + self.count:
                    return
                wanted += 1
                yield frame

    def pictures(self) -> Iterator[Image]:
        """As `frames`, as uint8 [H, W, 3] RGB."""
        for frame in self.frames():
            yield frame.to_ndarray(format='rgb24')

    def thumbnails(self, width: int, height: int) -> Iterator[Image]:
        """As `frames`, as uint8 [height, width] of the brightness."""
        for frame in self.frames():
            small = frame.reformat(width=width, height=height, format='gray', interpolation='AREA')
            yield np.asarray(small.to_ndarray())


def frame_numbers(path: Path, rate: Fraction) -> list[int]:
    """Frame number of every picture of a video by its stamp, without decoding; -1 where it lies off the grid.

    In order of presentation.

    Raises:
        OSError, ValueError: the file cannot be read, or ends too early.
    """
    with av.open(str(path)) as container:
        stamps = sorted(
            packet.pts * packet.time_base
            for packet in container.demux(video=0)
            if packet.pts is not None
        )
    return [_number(Fraction(stamp), rate) for stamp in stamps]


def stated_frames(path: Path) -> int:
    """Frames that a video's index promises, whether or not they are there; 0 if it does not say.

    Raises:
        OSError, ValueError, IndexError: the file cannot be read, or holds no video.
    """
    with av.open(str(path)) as container:
        return int(container.streams.video[0].frames)


def copy_frames(source: Path, target: Path, rate: Fraction, count: int) -> bool:
    """Copy the first `count` frames of a video without encoding again; False if they cannot be decoded then.

    Raises:
        OSError, ValueError: the source cannot be read or the target not written.
    """
    end = Fraction(count) / rate - STAMP_TOLERANCE
    with (
        av.open(str(source)) as reading,
        av.open(str(target), 'w', format='mp4', options={'movflags': 'faststart'}) as writing,
    ):
        stream = writing.add_stream_from_template(reading.streams.video[0])
        stream.time_base = reading.streams.video[0].time_base
        try:
            for packet in reading.demux(video=0):
                if packet.pts is not None and packet.pts * packet.time_base < end:
                    packet.stream = stream
                    writing.mux(packet)
        except av.error.InvalidDataError:  # the torn end, beyond what is wanted
            pass
    copied = VideoSpan(path=target, rate=rate, first=0, count=count)
    return sum(1 for _ in copied.frames()) == count


def _number(stamp_s: Fraction, rate: Fraction) -> int:
    number = round(stamp_s * rate)
    return number if abs(number / rate - stamp_s) <= STAMP_TOLERANCE else -1
