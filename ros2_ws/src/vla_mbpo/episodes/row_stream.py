"""The rows of a journal: an Arrow IPC stream with one batch per row, written by a thread of its own."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa


class RowStream:
    """Writes batches in order; `put` never waits for the disk."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._queue: queue.SimpleQueue[pa.RecordBatch | None] = queue.SimpleQueue()
        self._error: OSError | None = None
        self._is_cancelled = False
        self._thread = threading.Thread(target=self._run, name='write rows', daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, batch: pa.RecordBatch) -> None:
        """Queue a batch of the stream's schema.

        Raises:
            OSError: what stopped the writing.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(batch)

    def close(self) -> None:
        """Write what is queued and the end of the stream.

        Raises:
            OSError: what stopped the writing.
        """
        self._stop()
        if self._error is not None:
            raise self._error

    def cancel(self) -> None:
        """Stop without writing what is queued; the file stays as it is."""
        self._is_cancelled = True
        self._stop()

    def _stop(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self._error = error

    def _write_all(self) -> None:
        with pa.OSFile(str(self._path), 'wb') as file:
            stream = pa.ipc.new_stream(file, self._schema)
            while (batch := self._queue.get()) is not None and not self._is_cancelled:
                stream.write_batch(batch)
            if not self._is_cancelled:
                stream.close()


def read_stream(path: Path) -> Iterator[pa.RecordBatch]:
    """The batches of a stream up to its end, or to where it was cut short.

    Raises:
        OSError: the file cannot be opened.
    """
    with pa.OSFile(str(path)) as file:
        try:
            yield from pa.ipc.open_stream(file)
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            return
