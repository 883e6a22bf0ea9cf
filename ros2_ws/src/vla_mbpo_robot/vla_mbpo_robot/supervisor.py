"""Runs the processes of a job where no ROS distribution (and so no `ros2 launch`) is installed.

The job ends when its leader ends, when any process fails, or on a signal. However it ends, no process is left: each
has its own process group, is asked to stop with rising emphasis, and is tied to the supervisor's life by
`vla_mbpo_robot.tether` in case the supervisor itself is killed.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

STOP_STAGES = ((0.0, signal.SIGINT), (1.5, signal.SIGTERM), (2.7, signal.SIGKILL))
"""Seconds after the decision to stop, and the signal that is sent then; all is over within 3 s."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
USER_ERROR = 2
"""Exit code of a node that refused its input; its last line says why, in one `error: ...`."""
_OUTPUT_WAIT_S = 0.25

OnLine = Callable[[str, str], None]


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One process: an entry point 'package.module:function' and the arguments that it finds in `sys.argv`."""

    name: str
    entry: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    is_leader: bool = False
    """The job is done when a leader exits with 0; any other process must outlive it."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """How a job ended: 0 done, 1 a process failed, 2 a process refused its input, 128 + n on signal n."""

    exit_code: int
    sentence: str


@dataclass(frozen=True, kw_only=True)
class _Exited:
    name: str
    code: int


@dataclass(frozen=True, kw_only=True)
class _Signalled:
    number: signal.Signals


@dataclass(frozen=True, kw_only=True)
class _OutputFailed:
    reason: str


class Supervisor:
    """Starts processes in order, passes their output on, stops all of them together."""

    def __init__(self, specs: Sequence[ProcessSpec], *, on_line: OnLine) -> None:
        """`on_line(name, line)` is called from reader threads, one call at a time."""
        self._specs = {spec.name: spec for spec in specs}
        self._on_line = on_line
        self._line_lock = threading.Lock()
        self._output_failed = False
        self._events: queue.SimpleQueue[_Exited | _Signalled | _OutputFailed] = queue.SimpleQueue()
        self._running: dict[str, _Child] = {}
        self._last_line: dict[str, str] = {}

    def run(self) -> Report:
        """Run the job to its end; call from the main thread, which receives the signals."""
        with self._signals_as_events():
            try:
                for spec in self._specs.values():
                    if not self._events.empty():
                        break
                    self._running[spec.name] = _Child(spec, self._deliver, self._child_exited)
                report = self._wait()
            finally:
                failures = self._stop_all()
        if report.exit_code == 0 and failures:
            return Report(exit_code=1, sentence='; '.join(failures))
        return report

    def send(self, name: str, line: str) -> None:
        """Hand a process a line (see `tether`); lost if it does not run. From any thread."""
        if child := self._running.get(name):
            child.write(f'{line}\n'.encode())

    def _wait(self) -> Report:
        event = self._events.get()
        if isinstance(event, _Signalled):
            return Report(exit_code=128 + event.number, sentence=f'stopped by {event.number.name}')
        if isinstance(event, _OutputFailed):
            return Report(exit_code=1, sentence=f'output cannot be written: {event.reason}')
        self._running.pop(event.name).reap()
        return self._judge(event)

    def _judge(self, event: _Exited) -> Report:
        if event.code == 0 and self._specs[event.name].is_leader:
            return Report(exit_code=0, sentence=f'{event.name} is done')
        said = self._last_line.get(event.name, '')
        if event.code == USER_ERROR:
            message = said.removeprefix('error: ')
            return Report(exit_code=USER_ERROR, sentence=f'{event.name}: {message}')
        ending = _ending(event.code) + (' before the job was done' if event.code == 0 else '')
        # The last line of a process that a signal ended has nothing to do with its end.
        detail = f': {said}' if said and event.code > 0 else ''
        return Report(exit_code=1, sentence=f'{event.name} {ending}{detail}')

    def _stop_all(self) -> list[str]:
        """Stop what still runs; a sentence for each process that did not end well."""
        failures = []
        started_s = time.monotonic()
        for index, (_, number) in enumerate(STOP_STAGES):
            for child in self._running.values():
                child.send(number)
            is_last = index + 1 == len(STOP_STAGES)
            until_s = started_s + (3.0 if is_last else STOP_STAGES[index + 1][0])
            for event in self._exits_until(until_s):
                self._running.pop(event.name).reap()
                if event.code == -signal.SIGKILL:
                    failures.append(f'{event.name} did not stop in time and was killed')
                elif event.code != 0:
                    failures.append(f'{event.name} {_ending(event.code)} while stopping')
        return failures

    def _exits_until(self, until_s: float) -> Iterator[_Exited]:
        while self._running:
            try:
                event = self._events.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                return
            if isinstance(event, _Exited):
                yield event

    def _child_exited(self, name: str, code: int) -> None:
        self._events.put(_Exited(name=name, code=code))

    def _deliver(self, name: str, line: str) -> None:
        with self._line_lock:
            if line.strip():
                self._last_line[name] = line.strip()
            if self._output_failed:
                return
            try:
                self._on_line(name, line)
            except OSError as error:
                # The pipe must still be emptied, or the child blocks in a write and cannot stop.
                self._output_failed = True
                self._events.put(_OutputFailed(reason=error.strerror or str(error)))

    @contextlib.contextmanager
    def _signals_as_events(self) -> Iterator[None]:
        def note(number: int, _: object) -> None:
            self._events.put(_Signalled(number=signal.Signals(number)))

        previous = {number: signal.signal(number, note) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


class _Child:
    """A running process in a session of its own: a terminal's Ctrl-C reaches it only through the supervisor."""

    def __init__(
        self, spec: ProcessSpec, on_line: OnLine, on_exit: Callable[[str, int], None]
    ) -> None:
        self._name = spec.name
        self._on_line = on_line
        self._on_exit = on_exit
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, '-m', 'vla_mbpo_robot.tether', spec.entry, *spec.arguments],
            env=dict(spec.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self._input_lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True, name=f'{spec.name}.output')
        self._reader.start()
        threading.Thread(target=self._watch, daemon=True, name=f'{spec.name}.exit').start()

    def write(self, data: bytes) -> None:
        """Pass data to the process, or lose it where nobody takes it."""
        assert self._process.stdin is not None
        with self._input_lock, contextlib.suppress(BlockingIOError, BrokenPipeError):
            if not self._process.stdin.closed:
                os.write(self._process.stdin.fileno(), data)

    def send(self, number: signal.Signals) -> None:
        """Signal the process; SIGKILL goes to all that it started as well."""
        if number == signal.SIGKILL:
            self._kill_group()
        else:
            os.kill(self._process.pid, number)

    def reap(self) -> None:
        """After the exit: end what the process left behind, pass its last lines on, free its id."""
        self._kill_group()
        self._reader.join(_OUTPUT_WAIT_S)
        self._process.wait()
        assert self._process.stdin is not None
        with self._input_lock:
            self._process.stdin.close()

    def _kill_group(self) -> None:
        # Until it is reaped the process holds its id, so the group cannot be somebody else's.
        os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._on_line(self._name, line.decode(errors='replace').rstrip())

    def _watch(self) -> None:
        found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        assert found is not None
        code = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        self._on_exit(self._name, code)


def _ending(code: int) -> str:
    if code < 0:
        return f'was ended by {signal.Signals(-code).name}'
    return f'ended with code {code}'
