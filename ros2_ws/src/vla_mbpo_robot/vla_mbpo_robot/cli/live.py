"""One screen that shows a session to the person who runs it; keys go the other way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.console import Group
from rich.console import RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from vla_mbpo_robot.bringup.processes import OperatorScreen
from vla_mbpo_robot.bringup.processes import Send
from vla_mbpo_robot.operator.events import KEY_NAMES
from vla_mbpo_robot.operator.events import OperatorEvent
from vla_mbpo_robot.operator.keyboard import keyboard
from vla_mbpo_robot.operator.sounds import Bell
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.progress import PHASES
from vla_mbpo_robot.progress import Details
from vla_mbpo_robot.progress import Progress

REFRESH_HZ = 4.0
_BAR_WIDTH = 40
_LEVEL_STYLES = {'ok': 'green', 'warn': 'yellow', 'fail': 'bold red'}
_VERDICT_STYLES = {'good': 'green', 'usable': 'yellow', 'bad': 'bold red'}
_PHASE_STYLES = {'recording': 'bold white on red', 'judging': 'bold black on yellow'}


class LiveScreen:
    """Redraws phase, bar, cameras, checks, verdict and keys; lines of the nodes scroll by above."""

    def __init__(self, console: Console, terminal: int) -> None:
        """`terminal` is the descriptor of the controlling terminal; `running` closes it."""
        self._console = console
        self._terminal = terminal
        self._progress: Progress | None = None
        self._details: Details | None = None
        self._lock = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=REFRESH_HZ,
            transient=False,
        )
        self._bell = Bell(lambda text: console.file.write(text) and console.file.flush())

    def screen(self) -> OperatorScreen:
        """What `run_job` wants of a terminal."""
        return OperatorScreen(on_details=self.on_details, on_cue=self.on_cue, keys=self.running)

    @contextmanager
    def running(self, send: Send) -> Iterator[None]:
        """Draw, and send the event of each key, until the block ends; the terminal is then as it was."""

        def press(event: OperatorEvent) -> None:
            send(event.value)

        with keyboard(self._terminal, press), self._live:
            yield

    def on_progress(self, progress: Progress) -> None:
        """Show new counts, another phase or message."""
        with self._lock:
            self._progress = progress

    def on_details(self, details: Details) -> None:
        """Show what changes all the time."""
        with self._lock:
            self._details = details

    def on_cue(self, cue: Cue) -> None:
        """Ring the terminal's bell."""
        self._bell.ring(cue)

    def _render(self) -> RenderableType:
        with self._lock:
            progress, details = self._progress, self._details
        if progress is None:
            return Text('starting the nodes ...')
        return session_panel(progress, details)


def session_panel(progress: Progress, details: Details | None) -> Panel:
    """Everything that is known of a session, as one panel."""
    phase = PHASES[progress.phase]
    title = f'{details.task} · {details.split}' if details else 'session'
    parts: list[RenderableType] = [
        _head(phase, progress.message),
        Text(details.notice if details else '', style='dim'),
        _bar(progress),
    ]
    if details:
        parts += [_streams(details), _checks(details), _verdict(details), _keys(details)]
    return Panel(Group(*parts), title=title, title_align='left')


def _head(phase: str, message: str) -> Text:
    style = _PHASE_STYLES.get(phase, 'bold')
    return Text.assemble((f' {phase.upper()} ', style), '  ', message)


def _bar(progress: Progress) -> Table:
    row = Table.grid(padding=(0, 2))
    row.add_row(
        ProgressBar(total=progress.wanted, completed=progress.saved, width=_BAR_WIDTH),
        f'{progress.saved}/{progress.wanted} saved',
        f'{progress.succeeded} succeeded',
        f'{progress.discarded} discarded',
    )
    return row


def _streams(details: Details) -> Table:
    table = Table.grid(padding=(0, 3))
    for name, rate_hz, skew_ms in zip(
        details.cameras, details.rate_hz, details.skew_ms, strict=True
    ):
        table.add_row(name, f'{rate_hz:5.1f} Hz', f'skew {skew_ms:+6.1f} ms')
    minutes = 'unknown' if details.disk_minutes < 0 else f'{details.disk_minutes:.0f} min'
    table.add_row('disk', minutes, f'{details.rows} rows, {details.flagged_rows} flagged')
    return table


def _checks(details: Details) -> Text:
    """What preflight found; the streams' own rows say the rest while all is well."""
    shown = [check for check in details.checks if not check.startswith('ok ')]
    if not shown:
        return Text('preflight: all ok', style=_LEVEL_STYLES['ok'])
    lines = [Text(check, style=_LEVEL_STYLES[check.partition(' ')[0]]) for check in shown]
    return Text('\n').join(lines)


def _verdict(details: Details) -> Text:
    style = _VERDICT_STYLES.get(details.verdict.partition(':')[0], '')
    return Text.assemble('verdict  ', (details.verdict or '-', style))


def _keys(details: Details) -> Text:
    events = [OperatorEvent(word) for word in details.inputs]
    found = [Text.assemble((KEY_NAMES[event], 'bold'), f' {event.value}') for event in events]
    return Text('   ').join(found)
