"""The frames of one camera, joined with what its driver says of them beside the pixels."""

from dataclasses import dataclass
from dataclasses import replace

from vla_mbpo.episodes.schema import UNKNOWN_FRAME_NUMBER
from vla_mbpo.episodes.schema import ClockDomain
from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.streams import PushOutcome
from vla_mbpo.episodes.streams import Sample
from vla_mbpo.episodes.streams import Stream

MAX_WAITING = 64
"""Metadata that may wait for their frames; more of them means that the pictures do not arrive."""


@dataclass(frozen=True, kw_only=True)
class FrameMetadata:
    """Where a frame's stamp comes from, and the device's own count of it."""

    domain: ClockDomain = ClockDomain.UNKNOWN
    number: int = UNKNOWN_FRAME_NUMBER
    """A picture that is delivered twice keeps its number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """A picture, when the camera delivered it, and its metadata once they are known."""

    image: Image
    receipt_ns: int
    metadata: FrameMetadata | None = None


class FrameStream:
    """A `Stream` of frames, whose metadata may come before or after them; both in the order of their stamps."""

    def __init__(self, max_jump_ns: int) -> None:
        self.samples: Stream[Frame] = Stream(max_jump_ns)
        self.repeated = 0
        """Frames under a new stamp with the number of the frame before."""
        self.skipped = 0
        """Numbers that were left out: pictures that the device took and that did not arrive."""
        self._waiting: dict[int, FrameMetadata] = {}
        self._metadata_ns: int | None = None
        self._number = UNKNOWN_FRAME_NUMBER

    def push(self, capture_ns: int, frame: Frame) -> PushOutcome:
        """Add a frame, joined with its metadata if they came first."""
        metadata = self._waiting.pop(capture_ns, frame.metadata)
        outcome = self.samples.push(capture_ns, frame)
        sample = self.samples.at(capture_ns) if outcome == 'kept' else None
        if metadata is not None and outcome != 'repeated':
            self._join(sample, metadata)
        return outcome

    def push_metadata(self, capture_ns: int, metadata: FrameMetadata) -> None:
        """Metadata of the frame with this stamp."""
        self._metadata_ns = capture_ns
        newest_ns = self.samples.newest_ns
        if newest_ns is not None and capture_ns <= newest_ns:
            sample = self.samples.at(capture_ns)
            # A clock that was set back stamps a new picture like one that is described already.
            is_new = sample is not None and sample.value.metadata is None
            self._join(sample if is_new else None, metadata)
            return
        self._waiting[capture_ns] = metadata
        if len(self._waiting) > MAX_WAITING:
            self._waiting.pop(next(iter(self._waiting)))

    def is_described(self, sample: Sample[Frame]) -> bool:
        """Whether waiting longer can tell more about a frame: metadata come in order, or not at all."""
        if sample.value.metadata is not None or self._metadata_ns is None:
            return True
        return self._metadata_ns >= sample.t_ns

    def reset_counters(self) -> None:
        """Back to zero; numbers go on."""
        self.repeated = self.skipped = 0

    def _join(self, sample: Sample[Frame] | None, metadata: FrameMetadata) -> None:
        """`sample` is None for a frame that is not held any more; its number counts all the same."""
        number = metadata.number
        is_repeated = number == self._number != UNKNOWN_FRAME_NUMBER
        if is_repeated:
            self.repeated += 1
        elif number > self._number != UNKNOWN_FRAME_NUMBER:
            self.skipped += number - self._number - 1
        self._number = number
        if sample is not None:
            sample.value = replace(sample.value, metadata=metadata)
            sample.is_repeated |= is_repeated
