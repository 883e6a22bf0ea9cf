"""Video of one camera: encoded in a thread of its own, into a file that survives kill -9 and one to be saved.

While recording, every encoded frame goes to two files: a fragmented mp4 with one fragment per frame, of which
everything written so far can be read, and an ordinary mp4, which is what is saved. A frame's presentation stamp is
exactly k / fps, so row k is frame k.
"""

import itertools
import queue
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av

from vla_mbpo.episodes.clock import exact_rate
from vla_mbpo.episodes.colour import to_i420
from vla_mbpo.episodes.schema import CameraFormat
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.statistics import PixelHistogram

CODEC = 'libx264'
CODEC_OPTIONS = {'preset': 'ultrafast', 'tune': 'zerolatency', 'crf': '23'}
KEYFRAME_INTERVAL = 2
JOURNAL_OPTIONS = {
    'movflags': 'frag_every_frame+empty_moov+default_base_moof',
    'flush_packets': '1',
}
QUEUED_FRAMES = 60
"""Pictures that may wait for the encoder: 4 s at 15 Hz, 55 MB at 640x480."""


class VideoEncoder:
    """Encodes pictures in its own thread; `put` never blocks.

    When the queue is full, the picture before is queued once more in place of the new one, so that
    frame numbers never shift; `put` says so.
    """

    def __init__(
        self,
        path: Path,
        camera: CameraFormat,
        fps: float,
        *,
        final: Path,
        capacity: int = QUEUED_FRAMES,
    ) -> None:
        self._path = path
        self._final = final
        self._camera = camera
        self._rate = exact_rate(fps)
        self._capacity = capacity
        self._queue: queue.SimpleQueue[Image | None] = queue.SimpleQueue()
        self._last: Image | None = None
        self._error: OSError | ValueError | None = None
        self._is_cancelled = False
        self._thread = threading.Thread(target=self._run, name=f'encode {camera.name}', daemon=True)
        self.histogram = PixelHistogram()
        """Pixels of the frames encoded so far; complete after `close`."""

    @property
    def is_behind(self) -> bool:
        """Whether the queue is full."""
        return self._queue.qsize() >= self._capacity

    def start(self) -> None:
        """Begin to encode."""
        self._thread.start()

    def put(self, image: Image) -> bool:
        """Queue the next frame, uint8 [H, W, 3]; held, not copied. False: the one before was repeated.

        Raises:
            OSError, ValueError: what stopped the encoder.
        """
        if self._error is not None:
            raise self._error
        is_taken = self._last is None or not self.is_behind
        if is_taken:
            self._last = image
        self._queue.put(self._last)
        return is_taken

    def close(self) -> None:
        """Encode what is queued and finish both files.

        Raises:
            OSError, ValueError: what stopped the encoder.
        """
        self._stop()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Stop without encoding what is queued; the files stay as they are."""
        self._is_cancelled = True
        self._stop()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._encode_all()
        except (OSError, ValueError) as error:
            self._error = error

    def _encode_all(self) -> None:
        with (
            av.open(str(self._path), 'w', format='mp4', options=JOURNAL_OPTIONS) as journal,
            av.open(str(self._final), 'w', format='mp4') as final,
        ):
            encoder, copy = self._add_stream(journal), self._add_stream(final)
            final.start_encoding()  # makes the header; the frames come from the other encoder
            while (image := self._queue.get()) is not None and not self._is_cancelled:
                frame = av.VideoFrame.from_ndarray(to_i420(image), format='yuv420p')
                frame.pts, frame.time_base = self.histogram.frames, 1 / self._rate
                self._mux_both(encoder.encode(frame), encoder, copy)
                self.histogram.add(image)
            self._mux_both(encoder.encode(None), encoder, copy)

    def _add_stream(self, container: 'av.container.OutputContainer') -> 'av.VideoStream':
        stream = container.add_stream(CODEC, rate=self._rate, options=CODEC_OPTIONS)
        stream.width, stream.height = self._camera.width, self._camera.height
        stream.pix_fmt = 'yuv420p'
        context = stream.codec_context
        context.time_base = 1 / self._rate
        context.gop_size, context.max_b_frames = KEYFRAME_INTERVAL, 0
        context.thread_count = 1
        return stream

    def _mux_both(
        self, packets: 'list[av.Packet]', first: 'av.VideoStream', second: 'av.VideoStream'
    ) -> None:
        for packet in packets:
            number = packet.pts
            first.container.mux(packet)
            _place(packet, second, number, 1 / self._rate)
            second.container.mux(packet)


def _place(packet: 'av.Packet', stream: 'av.VideoStream', number: int, time_base: Fraction) -> None:
    """Make `packet` frame `number` of `stream`."""
    packet.stream = stream
    packet.time_base = time_base
    packet.pts = packet.dts = number
    packet.duration = 1


def remux(source: Path | BinaryIO, target: Path, fps: float, *, frames: int | None = None) -> int:
    """Copy the frames of a journal video, or the first `frames`, into an ordinary mp4, stamped exactly k / fps.

    Nothing is encoded again. Returns the number of frames.

    Raises:
        OSError: a file cannot be read or written, or the disk is full.
    """
    time_base = 1 / exact_rate(fps)
    count = 0
    file = str(source) if isinstance(source, Path) else source
    with av.open(file) as reading, av.open(str(target), 'w', format='mp4') as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        stream.time_base = time_base
        # The flush at the end of the file has no stamp.
        packets = (packet for packet in reading.demux(video=0) if packet.pts is not None)
        for packet in itertools.islice(packets, frames):
            _place(packet, stream, count, time_base)
            writing.mux(packet)
            count += 1
    return count


def packet_stamps_s(path: Path) -> Iterator[Fraction]:
    """Presentation stamp of each frame of a video in seconds, exact, without decoding.

    Raises:
        OSError, ValueError: the file cannot be read, ends too early, or holds no video.
    """
    with av.open(str(path)) as container:
        for packet in container.demux(video_stream(container, path)):
            if packet.pts is not None:
                yield packet.pts * packet.time_base


def video_stream(container: 'av.container.InputContainer', path: Path) -> 'av.VideoStream':
    """The picture stream of an opened file.

    Raises:
        ValueError: it has none, as a truncated file can be.
    """
    if not container.streams.video:
        raise ValueError(f'{path.name} holds no video')
    return container.streams.video[0]
