"""`vla-mbpo`: finds commands, and turns every failure that a user can mend into one line."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from vla_mbpo import SOFTWARE_VERSION
from vla_mbpo.cli import main as cli

COMMANDS = '''"""{summary}

More that the list does not show.
"""
{imports}

def main(arguments):
    {body}
'''
RUN_MAIN = 'import sys; from vla_mbpo.cli.main import main; sys.exit(main())'


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution whose only command is `greet`, made of the given text."""

    def _install(body: str, *, imports: str = '') -> None:
        module = f'greeting_{tmp_path.name}'.replace('-', '_')
        text = COMMANDS.format(summary='Say something.', imports=imports, body=body)
        (tmp_path / f'{module}.py').write_text(text)
        info = tmp_path / 'greeting-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n')
        (info / 'entry_points.txt').write_text(f'[{cli.GROUP}]\ngreet = {module}:main\n')
        monkeypatch.syspath_prepend(tmp_path)

    return _install


def test_help_lists_commands_of_other_packages_without_importing_them(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install('return 0', imports='raise RuntimeError')
    assert cli.main(['--help']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ['greet', 'Say', 'something.'] for line in lines)
    assert cli.main([]) == 0
    assert capsys.readouterr().out.splitlines() == lines


def test_a_command_gets_its_arguments_and_gives_the_exit_code(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install('print(arguments); return 7')
    assert cli.main(['greet', 'a', '--b']) == 7
    assert capsys.readouterr().out == "['a', '--b']\n"


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(['--version']) == 0
    assert capsys.readouterr().out == f'{SOFTWARE_VERSION}\n'


def test_an_unknown_command_suggests_the_nearest(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install('return 0')
    assert cli.main(['gret']) == 2
    error = capsys.readouterr().err
    assert error.startswith("vla-mbpo: unknown command 'gret'; known: ")
    assert error.endswith("Did you mean 'greet'?\n")


def test_a_users_mistake_is_one_line_without_traceback(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(
        "raise VlaMbpoError('disk is full')", imports='from vla_mbpo.errors import VlaMbpoError'
    )
    assert cli.main(['greet']) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ('', 'vla-mbpo: disk is full\n')


def test_a_defect_is_not_hidden(install: Install) -> None:
    install('return 1 / 0')
    with pytest.raises(ZeroDivisionError):
        cli.main(['greet'])


def test_an_interrupt_exits_as_shells_expect(install: Install) -> None:
    install('raise KeyboardInterrupt')
    assert cli.main(['greet']) == 130


def run_with_output(output: int | None, *words: str) -> tuple[int, str]:
    """Exit code and standard error of `vla-mbpo WORDS` whose standard output is this descriptor, or closed."""
    done = subprocess.run(
        [sys.executable, '-c', RUN_MAIN, *words],
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        preexec_fn=(lambda: os.close(1)) if output is None else None,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize('words', [('--help',), ('robots',), ('robots', '--json')])
def test_a_full_disk_under_the_output_is_one_line(words: tuple[str, ...]) -> None:
    with Path('/dev/full').open('w') as full:
        code, error = run_with_output(full.fileno(), *words)
    assert (code, error) == (
        cli.EXIT_NO_OUTPUT,
        'vla-mbpo: output cannot be written: No space left on device\n',
    )


@pytest.mark.parametrize('words', [('--help',), ('robots',), ('robots', '--json')])
def test_a_command_works_where_standard_output_is_closed(words: tuple[str, ...]) -> None:
    assert run_with_output(None, *words) == (0, '')


@pytest.mark.parametrize('late', [False, True])
def test_a_missing_package_is_named(
    late: bool, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    statement = 'import package_that_nobody_has.part'
    install(statement if late else 'return 0', imports='' if late else statement)
    assert cli.main(['greet']) == 2
    assert capsys.readouterr().err == (
        "vla-mbpo: Python package 'package_that_nobody_has' is missing; it is needed for "
        'vla-mbpo greet. Install it into the environment that runs vla-mbpo.\n'
    )


def test_a_missing_module_of_an_installed_package_is_a_defect(install: Install) -> None:
    install('import vla_mbpo.no_such_module')
    with pytest.raises(ModuleNotFoundError, match=r'vla_mbpo\.no_such_module'):
        cli.main(['greet'])


def test_a_command_whose_package_is_gone_is_listed_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gone = EntryPoint(name='gone', value='package_that_nobody_has.cli:main', group=cli.GROUP)
    line = cli.help_text({'gone': gone}).splitlines()[3]
    assert line == '  gone  (module package_that_nobody_has.cli is not installed)'


@pytest.mark.parametrize('words', [('robots',), ('robots', '--json')])
def test_a_reader_that_leaves_early_causes_no_traceback(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code, error = run_with_output(writing, *words)
    os.close(writing)
    assert (code, error) == (cli.EXIT_BROKEN_PIPE, '')


def test_help_loads_nothing_heavy() -> None:
    heavy = ('numpy', 'pydantic', 'tyro', 'rich', 'av', 'pyarrow', 'rclpy', 'mujoco')
    script = (
        'import sys; from vla_mbpo.cli.main import main; main(["--help"]);'
        f'print("loaded:", [name for name in {heavy} if name in sys.modules])'
    )
    done = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == 'loaded: []'
