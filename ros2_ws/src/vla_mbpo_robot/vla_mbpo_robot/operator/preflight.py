"""Whether a recording that starts now would be a good one: a list of checks, each ok, warn or fail. Pure."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from enum import IntEnum

MIN_RATE_SHARE = 0.8
MIN_DISK_MINUTES = 1.0
FEW_DISK_MINUTES = 15.0
MAX_CALIBRATION_AGE_DAYS = 30.0


class Level(IntEnum):
    """How bad it is."""

    OK = 0
    WARN = 1
    """Shown; recording may start."""
    FAIL = 2
    """No recording starts."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one check found."""

    level: Level
    name: str
    text: str
    reason: str = ''
    """The same without measured numbers, which change all the time; '' where the text has none."""

    def __str__(self) -> str:
        return f'{self.level.name.lower()} {self.name}: {self.text}'


@dataclass(frozen=True, kw_only=True)
class StreamState:
    """A stream as it arrives."""

    rate_hz: float
    expected_hz: float
    skew_ms: float | None = None
    """Distance of its newest sample from the reference camera's nearest one; None where it is not measured."""
    skew_budget_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What the calibration files of a robot say of themselves."""

    status: str
    """'measured', 'nominal', 'missing'; of several files the worst."""
    age_days: float | None = None
    """Since the oldest measurement; None where no date is given."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that preflight looks at."""

    streams: Mapping[str, StreamState]
    missing: Sequence[str] = ()
    """Topics and services that nobody offers."""
    gate_state: str = 'disarmed'
    """Name of the gate's mode; '' before it said anything."""
    gate_reason: str = ''
    recorder_error: str = ''
    disk_minutes: float | None = None
    calibration: Calibration = field(default_factory=lambda: Calibration(status='missing'))
    simulated: bool = False


def preflight(now: Situation) -> tuple[Check, ...]:
    """All checks, in the order in which they are shown."""
    # In the twin a slow stream is a busy computer, which no operator mends; the rows are flagged.
    bad = Level.WARN if now.simulated else Level.FAIL
    return (
        *(_missing(name) for name in now.missing),
        *(_stream(name, stream, bad) for name, stream in now.streams.items()),
        _gate(now.gate_state, now.gate_reason),
        _recorder(now.recorder_error),
        _disk(now.disk_minutes),
        _calibration(now.calibration, simulated=now.simulated),
    )


def failures(checks: Sequence[Check]) -> str:
    """Why no recording can start, or ''."""
    return '; '.join(f'{c.name}: {c.reason or c.text}' for c in checks if c.level is Level.FAIL)


def _missing(name: str) -> Check:
    return Check(level=Level.FAIL, name=name, text='nobody offers it')


def _stream(name: str, stream: StreamState, bad: Level) -> Check:
    if stream.rate_hz <= 0.0:
        return Check(level=Level.FAIL, name=name, text='no data')
    rate = f'{stream.rate_hz:.1f} Hz'
    if stream.rate_hz < MIN_RATE_SHARE * stream.expected_hz:
        reason = f'slower than {MIN_RATE_SHARE * stream.expected_hz:.0f} Hz'
        return Check(level=bad, name=name, text=f'{rate}, {reason}', reason=reason)
    if stream.skew_ms is None:
        return Check(level=Level.OK, name=name, text=rate)
    skew = f'{rate}, skew {stream.skew_ms:.1f} ms'
    if stream.skew_ms > stream.skew_budget_ms:
        reason = f'skew over {stream.skew_budget_ms:.1f} ms'
        return Check(level=bad, name=name, text=f'{rate}, {reason}', reason=reason)
    return Check(level=Level.OK, name=name, text=skew)


def _gate(state: str, reason: str) -> Check:
    if not state:
        return Check(level=Level.FAIL, name='gate', text='has not reported')
    is_bad = state == 'fault'
    text = f'{state}: {reason}' if reason else state
    return Check(level=Level.FAIL if is_bad else Level.OK, name='gate', text=text)


def _recorder(error: str) -> Check:
    if error:
        return Check(level=Level.WARN, name='recorder', text=error)
    return Check(level=Level.OK, name='recorder', text='ready')


def _disk(minutes: float | None) -> Check:
    if minutes is None:
        return Check(level=Level.WARN, name='disk', text='free space is unknown')
    text = f'room for {minutes:.0f} minutes'
    if minutes < MIN_DISK_MINUTES:
        reason = f'room for less than {MIN_DISK_MINUTES:g} minute'
        return Check(level=Level.FAIL, name='disk', text=text, reason=reason)
    level = Level.WARN if minutes < FEW_DISK_MINUTES else Level.OK
    return Check(level=level, name='disk', text=text)


def _calibration(found: Calibration, *, simulated: bool) -> Check:
    name = 'calibration'
    if simulated:
        return Check(level=Level.OK, name=name, text='exact, in the twin')
    if found.status != 'measured':
        text = f'{found.status}: pictures cannot be related to joints'
        return Check(level=Level.WARN, name=name, text=text)
    if found.age_days is None:
        return Check(level=Level.WARN, name=name, text='measured, without a date')
    text = f'measured {found.age_days:.0f} days ago'
    level = Level.WARN if found.age_days > MAX_CALIBRATION_AGE_DAYS else Level.OK
    return Check(level=level, name=name, text=text)
