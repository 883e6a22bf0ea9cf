"""Start a job where no ROS distribution is installed, with the arguments of its launch file."""

import argparse
import sys

from rich.console import Console

from vla_mbpo_robot.bringup import BringupOptions
from vla_mbpo_robot.bringup import CollectOptions
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import find_job
from vla_mbpo_robot.bringup import job_names
from vla_mbpo_robot.bringup import options_from
from vla_mbpo_robot.bringup.arguments import split_arguments
from vla_mbpo_robot.bringup.preparation import complete
from vla_mbpo_robot.bringup.processes import run_job
from vla_mbpo_robot.cli.live import LiveScreen
from vla_mbpo_robot.cli.output import LinePrinter
from vla_mbpo_robot.cli.output import PipeConsole
from vla_mbpo_robot.operator.keyboard import open_terminal
from vla_mbpo_robot.supervisor import Report

EXAMPLE = 'vla-mbpo up collect robot:=arx_x5 task:=pick_cup simulate:=true episodes:=2'


def main(argv: list[str]) -> int:
    """Run the command.

    Args:
        argv: Words after `vla-mbpo up`.

    Returns:
        Exit code: 0 done, 1 a node failed, 2 a node refused its input, 130 on Ctrl-C.

    Raises:
        VlaMbpoError: the job was refused before anything was started.
    """
    parser = argparse.ArgumentParser(
        prog='vla-mbpo up',
        description='Start the nodes of a job and stop all of them together.',
        epilog=f'Example: {EXAMPLE}',
    )
    parser.add_argument('job', help=', '.join(job_names()))
    parser.add_argument(
        'arguments', nargs='*', default=[], metavar='name:=value', help='see --show-args'
    )
    parser.add_argument('--show-args', action='store_true', help='list the arguments of the job')
    words = parser.parse_args(argv)
    job = find_job(words.job)
    console = PipeConsole(highlight=False, markup=False, soft_wrap=True)
    if words.show_args:
        show_arguments(console, job.name)
        return 0
    options = options_from(job.options, split_arguments(words.arguments))
    report = _run(job.name, options, console)
    if report.exit_code != 0:
        print(f'vla-mbpo: {report.sentence}', file=sys.stderr)
    elif isinstance(options, CollectOptions):
        console.print(f'dataset: {complete(options).dataset_dir}')
    return report.exit_code


def _run(job: str, options: BringupOptions, console: Console) -> Report:
    """Run the job; at a terminal with a screen and keys where it has a session."""
    printer = LinePrinter(console)
    is_session = isinstance(options, CollectOptions)
    terminal = open_terminal() if is_session and console.is_terminal else None
    if terminal is None:
        return run_job(
            job,
            options,
            on_line=printer,
            on_progress=lambda progress: printer('progress', str(progress)),
        )
    live = LiveScreen(console, terminal)
    return run_job(
        job, options, on_line=printer, on_progress=live.on_progress, screen=live.screen()
    )


def show_arguments(console: Console, job: str) -> None:
    """Print name, default, description and choices of each argument."""
    console.print(f'{find_job(job).description}. Arguments, pass them as name:=value:\n')
    for argument in arguments_of(find_job(job).options):
        default = 'required' if argument.default is None else f'default: {argument.default!r}'
        console.print(f'  {argument.name}  ({default})')
        console.print(f'      {argument.description}')
        if argument.choices:
            console.print(f'      one of: {", ".join(argument.choices)}')
