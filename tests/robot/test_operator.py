"""Operator input: one queue; keys of a real pseudo-terminal, which is left as found; pedal; sounds."""

import os
import pty
import signal
import sys
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo_robot.operator.devices import OperatorDevices
from vla_mbpo_robot.operator.events import KEYS
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.events import parse_event
from vla_mbpo_robot.operator.keyboard import events_in
from vla_mbpo_robot.operator.keyboard import keyboard
from vla_mbpo_robot.operator.pedal import parse_key_map
from vla_mbpo_robot.operator.pedal import pedal
from vla_mbpo_robot.operator.pedal import reading
from vla_mbpo_robot.operator.queue import OperatorQueue
from vla_mbpo_robot.operator.sounds import BELLS_S
from vla_mbpo_robot.operator.sounds import Bell
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.operator.sounds import SoundCommand
from vla_mbpo_robot.supervisor import ProcessSpec
from vla_mbpo_robot.supervisor import Supervisor
from vla_mbpo_robot.tether import LINES_VARIABLE

EV_KEY = 1
KEY_A = 30


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal: ours, and the one that a program sees."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def wait_for(found: list, count: int) -> None:
    deadline_s = time.monotonic() + 5.0
    while len(found) < count:
        assert time.monotonic() < deadline_s, found
        time.sleep(0.01)


def test_an_event_is_known_by_its_name_and_an_unknown_one_lists_all() -> None:
    assert parse_event('discard\n', where='here') is OperatorEvent.DISCARD
    with pytest.raises(UnknownNameError, match="'sucess' in here; known: start, stop.*'success'"):
        parse_event('sucess', where='here')


def test_bounces_of_one_device_are_one_press_and_two_devices_are_two() -> None:
    queue = OperatorQueue(bounce_s=0.25)
    for source, wall_s in (('pedal', 0.0), ('pedal', 0.1), ('pedal', 0.2), ('keyboard', 0.2)):
        queue.put(OperatorEvent.START, source=source, wall_s=wall_s)
    queue.put(OperatorEvent.STOP, source='pedal', wall_s=0.2)
    queue.put(OperatorEvent.START, source='pedal', wall_s=1.0)
    assert [(p.event.value, p.source) for p in queue.drain()] == [
        ('start', 'pedal'),
        ('start', 'keyboard'),
        ('stop', 'pedal'),
        ('start', 'pedal'),
    ]
    assert list(queue.drain()) == []


def test_keys_come_at_once_without_return_and_are_not_echoed(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    seen: list[OperatorEvent] = []
    with keyboard(theirs, seen.append):
        os.write(ours, b' sFd')
        wait_for(seen, 4)
        os.set_blocking(ours, False)
        with pytest.raises(BlockingIOError):
            os.read(ours, 10)
    assert [event.value for event in seen] == ['toggle', 'success', 'failure', 'discard']


def test_the_terminal_is_as_it_was_however_the_block_ends(terminal: tuple[int, int]) -> None:
    _, theirs = terminal
    before = termios.tcgetattr(theirs)
    modes: list[int] = []

    def fail_inside() -> None:
        with keyboard(os.dup(theirs), print):
            modes.append(termios.tcgetattr(theirs)[3])
            raise RuntimeError('stop')

    with pytest.raises(RuntimeError, match='stop'):
        fail_inside()
    assert modes[0] & termios.ICANON == 0
    assert modes[0] & termios.ISIG
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)


def test_arrow_keys_and_letters_without_a_meaning_are_passed_over() -> None:
    assert events_in(b'\x1b[A') == []
    assert events_in(b'xyz1\xff') == []
    assert {key for key in KEYS if key.isalpha()} == set('sfdupq')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_session_of_its_own_reads_its_controlling_terminal_and_gives_it_back(
    number: signal.Signals, tmp_path: Path
) -> None:
    code = """
import signal, sys, time
from vla_mbpo_robot.operator.devices import OperatorDevices
def stop(*_): raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
with OperatorDevices() as devices:
    print('ready', flush=True)
    while True:
        for pressed in devices.queue.drain():
            print(pressed.event.value, pressed.source, flush=True)
        time.sleep(0.01)
"""
    pid, ours = pty.fork()
    if pid == 0:
        os.environ['PYTHONPATH'] = os.pathsep.join(path for path in sys.path if path)
        os.execv(sys.executable, [sys.executable, '-c', code])
    try:
        before = termios.tcgetattr(ours)
        read_until(ours, b'ready')
        os.write(ours, b'q')
        read_until(ours, b'quit keyboard')
        os.kill(pid, number)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert termios.tcgetattr(ours) == before
    finally:
        os.close(ours)


def read_until(descriptor: int, text: bytes) -> None:
    seen = b''
    while text not in seen:
        seen += os.read(descriptor, 4096)


def test_lines_of_a_launcher_are_events_and_nonsense_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_end, write_end = os.pipe()
    monkeypatch.setenv(LINES_VARIABLE, str(read_end))
    monkeypatch.setattr('vla_mbpo_robot.operator.devices.open_terminal', lambda: None)
    with OperatorDevices() as devices:
        os.write(write_end, b'start\nnonsense\nund')
        os.write(write_end, b'o\n')
        os.close(write_end)
        found: list[str] = []
        deadline_s = time.monotonic() + 5.0
        while len(found) < 2 and time.monotonic() < deadline_s:
            found += [pressed.event.value for pressed in devices.queue.drain()]
        for thread in threading.enumerate():
            if thread.name == 'launcher':
                thread.join(5.0)
    assert found == ['start', 'undo']
    os.close(read_end)


@dataclass(frozen=True, kw_only=True)
class Key:
    type: int
    code: int
    value: int


class Pad:
    """An input device whose events come through a pipe, one byte each."""

    def __init__(self, events: list[Key]) -> None:
        self._read_end, write_end = os.pipe()
        os.write(write_end, bytes(len(events)))
        os.close(write_end)
        self._events = events
        self.is_grabbed = self.is_closed = False

    def fileno(self) -> int:
        return self._read_end

    def read(self) -> list[Key]:
        if not os.read(self._read_end, 1):
            raise OSError(19, 'No such device')
        return [self._events.pop(0)]

    def grab(self) -> None:
        self.is_grabbed = True

    def close(self) -> None:
        self.is_closed = True
        os.close(self._read_end)


def test_a_pedal_counts_when_it_goes_down_and_an_unplugged_one_harms_nobody() -> None:
    down, repeat, up = (Key(type=EV_KEY, code=KEY_A, value=value) for value in (1, 2, 0))
    other = Key(type=EV_KEY, code=99, value=1)
    scan = Key(type=4, code=KEY_A, value=1)
    pad = Pad([scan, down, repeat, up, other, down])
    seen: list[OperatorEvent] = []
    with reading(pad, {KEY_A: OperatorEvent.TOGGLE}, EV_KEY, seen.append):
        wait_for(seen, 2)
        assert pad.is_grabbed
    assert seen == [OperatorEvent.TOGGLE] * 2
    assert pad.is_closed


def test_the_key_map_of_a_pedal_says_what_it_does_not_understand() -> None:
    assert parse_key_map('KEY_A=toggle KEY_B=undo') == {
        'KEY_A': OperatorEvent.TOGGLE,
        'KEY_B': OperatorEvent.UNDO,
    }
    with pytest.raises(ConfigError, match="'A:toggle': expected KEY_<name>=<event>"):
        parse_key_map('A:toggle')
    with pytest.raises(UnknownNameError, match="operator event 'go' in pedal_keys 'KEY_A=go'"):
        parse_key_map('KEY_A=go')


def test_a_pedal_without_evdev_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'evdev', None)
    with pytest.raises(MissingDependencyError, match='pip install evdev'), pedal('x', '', print):
        pass


def test_every_cue_has_its_own_rhythm_and_the_bell_rings_it() -> None:
    assert set(BELLS_S) == set(Cue)
    assert len(set(BELLS_S.values())) == len(Cue)
    rung: list[str] = []
    Bell(rung.append).ring(Cue.SAVED).join()
    assert rung == ['\a'] * len(BELLS_S[Cue.SAVED])


def test_a_sound_command_gets_the_name_of_the_cue_and_no_shell(tmp_path: Path) -> None:
    player = SoundCommand(f'touch "{tmp_path}/{{cue}};x"')
    assert player.play(Cue.SAVED) == ''
    deadline_s = time.monotonic() + 5.0
    while not (tmp_path / 'saved;x').exists() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    player.close()
    assert [path.name for path in tmp_path.iterdir()] == ['saved;x']


def test_a_sound_command_that_cannot_work_says_why() -> None:
    with pytest.raises(ConfigError, match='expected {cue} in it'):
        SoundCommand('paplay start.oga')
    with pytest.raises(ConfigError, match='No closing quotation'):
        SoundCommand('paplay "{cue}')
    problem = SoundCommand('no-such-player {cue}').play(Cue.START)
    assert problem == 'sound_command no-such-player: No such file or directory'


def test_a_supervised_process_gets_lines_that_are_sent_to_it_and_an_empty_standard_input(
    tmp_path: Path,
) -> None:
    code = """
import os, sys
def main():
    lines = os.read(int(os.environ['VLA_MBPO_LINES_FD']), 100).decode().strip()
    print(lines, repr(sys.stdin.read()), flush=True)
"""
    (tmp_path / 'line_reader.py').write_text(code)
    path = os.pathsep.join([str(tmp_path), *(path for path in sys.path if path)])
    seen: list[str] = []
    spec = ProcessSpec(
        name='reader',
        entry='line_reader:main',
        environment={**os.environ, 'PYTHONPATH': path},
        is_leader=True,
    )
    supervisor = Supervisor([spec], on_line=lambda _, line: seen.append(line))
    threading.Timer(0.5, supervisor.send, ('reader', 'toggle')).start()
    report = supervisor.run()
    assert report.exit_code == 0
    assert seen == ["toggle ''"]
    supervisor.send('reader', 'too late')
