"""`BlackBox`: messages as they came, in one MCAP file per episode beside the dataset. No ROS; the node feeds it.

A thread of its own writes, so a slow disk delays nobody. While no episode is open, the newest messages are held, and a
file begins with them. Chunks are small and go to the disk at once: a file whose writer was killed can be read up to
the last whole chunk.
"""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mcap.writer import Writer

logger = logging.getLogger(__name__)

FOLDER = 'black_box'
CHUNK_BYTES = 1 << 16
"""About half a second of states and commands."""
PROFILE = 'ros2'
LIBRARY = 'vla_mbpo'


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A topic and the type of its messages."""

    topic: str
    type_name: str
    """'package/msg/Name'."""
    definition: str
    """Text of the type and of all that it holds, separated as MCAP's ros2msg schemas are."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A serialised message and when it was received."""

    topic: str
    data: bytes
    receipt_ns: int


def file_of(dataset: Path, episode: int) -> Path:
    """The black box of an episode."""
    return dataset / FOLDER / f'episode-{episode:06d}.mcap'


class BlackBox:
    """Records the messages of the open episode; every call returns at once."""

    def __init__(
        self,
        dataset: Path,
        channels: tuple[Channel, ...],
        *,
        held_s: float = 1.0,
        max_queued: int = 20_000,
    ) -> None:
        """`held_s` is how much from before an episode its file begins with."""
        self._dataset = dataset
        self._channels = channels
        self._held_ns = round(held_s * 1e9)
        self._max_queued = max_queued
        self._held: deque[Message] = deque()
        self._file: _File | None = None
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name='black box', daemon=True)
        self.dropped = 0
        """Messages that were left out because the disk was too slow."""
        self.error: OSError | None = None
        """What ended the newest file before its episode did."""

    def start(self) -> None:
        """Begin to accept messages."""
        self._thread.start()

    def put(self, message: Message) -> None:
        """Record a message, or hold it for the next episode."""
        if self._tasks.qsize() >= self._max_queued:
            self.dropped += 1
            return
        self._tasks.put(lambda: self._write(message))

    def open(self, episode: int, facts: Mapping[str, str]) -> None:
        """Begin the file of an episode, with `facts` as its metadata; an older file of its name is renamed."""
        self._tasks.put(lambda: self._open(episode, dict(facts)))

    def keep(self) -> None:
        """The episode was saved or cut short: complete its file."""
        self._tasks.put(self._close)

    def discard(self) -> None:
        """The episode was thrown away: so is its file."""
        self._tasks.put(self._discard)

    def close(self) -> None:
        """Write what was put, complete an open file and stop."""
        if self._thread.is_alive():
            self.keep()
            self._tasks.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._do(task)

    def _do(self, task: Callable[[], None]) -> None:
        try:
            task()
        except OSError as error:
            logger.exception('black box of %s', self._dataset)
            self.error = error
            self._file = None

    def _write(self, message: Message) -> None:
        if self._file is not None:
            self._file.write(message)
            return
        self._held.append(message)
        while self._held[0].receipt_ns < message.receipt_ns - self._held_ns:
            self._held.popleft()

    def _open(self, episode: int, facts: dict[str, str]) -> None:
        self._close()
        self.error = None
        path = file_of(self._dataset, episode)
        path.parent.mkdir(exist_ok=True)
        _make_way(path)
        self._file = _File(path, self._channels, facts)
        while self._held:
            self._file.write(self._held.popleft())

    def _close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.close()

    def _discard(self) -> None:
        if self._file is not None:
            path = self._file.path
            self._close()
            path.unlink()


class _File:
    """One MCAP file that is being written."""

    def __init__(self, path: Path, channels: tuple[Channel, ...], facts: dict[str, str]) -> None:
        self.path = path
        self._stream: BinaryIO = path.open('xb')
        self._writer = Writer(self._stream, chunk_size=CHUNK_BYTES)
        self._writer.start(PROFILE, LIBRARY)
        self._writer.add_metadata('episode', facts)
        self._channels = {channel.topic: self._register(channel) for channel in channels}
        self._counts = dict.fromkeys(self._channels, 0)

    def write(self, message: Message) -> None:
        self._counts[message.topic] += 1
        self._writer.add_message(
            channel_id=self._channels[message.topic],
            log_time=message.receipt_ns,
            data=message.data,
            publish_time=message.receipt_ns,
            sequence=self._counts[message.topic],
        )
        # A chunk that is complete leaves the process at once; without one there is nothing to flush.
        self._stream.flush()

    def close(self) -> None:
        self._writer.finish()  # type: ignore[no-untyped-call]  # mcap states no return type
        self._stream.close()

    def _register(self, channel: Channel) -> int:
        schema = self._writer.register_schema(
            channel.type_name, 'ros2msg', channel.definition.encode()
        )
        return self._writer.register_channel(channel.topic, 'cdr', schema)


def _make_way(path: Path) -> None:
    """Rename what an interrupted recorder left under this name."""
    if not path.exists():
        return
    number = 1
    while (kept := path.with_stem(f'{path.stem}-kept-{number}')).exists():
        number += 1
    path.rename(kept)
