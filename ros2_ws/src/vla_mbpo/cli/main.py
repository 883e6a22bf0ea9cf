"""`vla-mbpo`: finds the commands of all installed packages and runs one of them.

A command is an entry point of group `vla_mbpo.commands`: its name, and a callable that takes the arguments after the
name and returns an exit code. The first line of its module's docstring is its line in the help.
"""

import ast
import errno
import importlib.util
import os
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points
from pathlib import Path

from vla_mbpo import SOFTWARE_VERSION
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError

GROUP = 'vla_mbpo.commands'
EXIT_NO_OUTPUT = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

Command = Callable[[list[str]], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `vla-mbpo` with `arguments` (default: those of the process) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    try:
        return _flushed(_answer(find_commands(), words))
    except VlaMbpoError as error:
        print(f'vla-mbpo: {error}', file=sys.stderr)
        return EXIT_USER_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        _drop_output()
        return EXIT_BROKEN_PIPE
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # so rich says that the reader has left
            return EXIT_BROKEN_PIPE
        raise
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        _drop_output()
        print(f'vla-mbpo: output cannot be written: {error.strerror}', file=sys.stderr)
        return EXIT_NO_OUTPUT


def _answer(commands: Mapping[str, EntryPoint], words: list[str]) -> int:
    if not words or words[0] in {'-h', '--help'}:
        print(help_text(commands))
        return 0
    if words[0] == '--version':
        print(SOFTWARE_VERSION)
        return 0
    return _run(commands, words[0], words[1:])


def _open_closed_streams() -> None:
    """Give a process that was started without output (`>&-`) one that swallows everything."""
    for name in ('stdout', 'stderr'):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, 'w', encoding='utf-8'))  # noqa: PTH123, SIM115  a device, to the end


def _flushed(code: int) -> int:
    """`code`, with all output written; OSError if it cannot be and nothing was wrong before."""
    try:
        sys.stdout.flush()
    except OSError:
        if code == 0:
            raise
        _drop_output()
    return code


def _drop_output() -> None:
    """What is still buffered goes nowhere: Python would try once more at its end, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def find_commands() -> dict[str, EntryPoint]:
    """Commands of the installed packages by name, sorted; nothing is imported yet."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    return dict(sorted(found.items()))


def help_text(commands: Mapping[str, EntryPoint]) -> str:
    """What `vla-mbpo --help` prints: one line per command."""
    width = max(map(len, commands), default=0)
    lines = [f'  {name:{width}}  {_summary(entry)}' for name, entry in commands.items()]
    listing = '\n'.join(lines) or '  none; install the packages of this project'
    usage = 'usage: vla-mbpo [--version] [--help] COMMAND ...\n\ncommands:\n'
    return f'{usage}{listing}\n\n`vla-mbpo COMMAND --help` explains one.'


def _run(commands: Mapping[str, EntryPoint], name: str, arguments: list[str]) -> int:
    if name not in commands:
        raise UnknownNameError('command', name, known=commands)
    try:
        command: Command = commands[name].load()
        code = command(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or '').partition('.')[0]
        if not package or importlib.util.find_spec(package) is not None:
            raise
        raise MissingDependencyError(
            f'Python package {package!r}',
            needed_for=f'vla-mbpo {name}',
            remedy='Install it into the environment that runs vla-mbpo.',
        ) from error
    return code


def _summary(entry: EntryPoint) -> str:
    """First docstring line of the entry's module, read without importing it (imports may take seconds)."""
    try:
        spec = importlib.util.find_spec(entry.module)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        return f'(module {entry.module} is not installed)'
    text = Path(spec.origin).read_text(encoding='utf-8')
    return (ast.get_docstring(ast.parse(text)) or '').partition('\n')[0]
