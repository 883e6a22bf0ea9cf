"""Progress lines, and how a terminal and a file show them."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from vla_mbpo_msgs.msg import SessionStatus
from vla_mbpo_robot.cli.output import LinePrinter
from vla_mbpo_robot.cli.output import LogFile
from vla_mbpo_robot.cli.output import ProgressDisplay
from vla_mbpo_robot.progress import PHASES
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.progress import from_line
from vla_mbpo_robot.progress import to_line

HALFWAY = Progress(phase=4, saved=2, wanted=4, succeeded=1, discarded=1, message='episode 3')


def test_a_progress_line_says_what_went_into_it() -> None:
    assert from_line(to_line(HALFWAY)) == HALFWAY


@pytest.mark.parametrize(
    'line', ['PROGRESS {', 'PROGRESS {"saved": 1}', 'INFO: saved 1', '', 'PROGRESS']
)
def test_any_other_line_is_left_to_be_shown_as_it_is(line: str) -> None:
    assert from_line(line) is None


def test_phases_have_the_names_and_numbers_of_the_message() -> None:
    assert [getattr(SessionStatus, name.upper()) for name in PHASES] == list(range(len(PHASES)))


def test_without_a_terminal_each_change_is_one_line() -> None:
    text = StringIO()
    display = ProgressDisplay(Console(file=text, width=200), 'pick_cup')
    with display.running():
        display.show(HALFWAY)
        display.show(HALFWAY)
    assert text.getvalue() == 'pick_cup: 2/4 saved, 1 succeeded; recording: episode 3\n'


def test_in_a_terminal_a_bar_appears_with_the_first_progress() -> None:
    text = StringIO()
    display = ProgressDisplay(Console(file=text, width=100, force_terminal=True), 'pick_cup')
    with display.running():
        assert text.getvalue() == ''
        display.show(HALFWAY)
    assert '2/4' in text.getvalue()


def test_lines_carry_their_node_s_name_and_stay_whole() -> None:
    text = StringIO()
    printer = LinePrinter(Console(file=text, width=20))
    printer('twin', 'a [bold] line that is longer than the console')
    assert text.getvalue() == '[twin]             a [bold] line that is longer than the console\n'


def test_a_log_file_appears_with_its_first_line(tmp_path: Path) -> None:
    log = LogFile(tmp_path / 'new/demo.log')
    assert not log.path.exists()
    log.write('twin', 'hello')
    log.close()
    assert log.path.read_text() == '[twin] hello\n'
