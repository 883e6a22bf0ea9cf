"""Collect a few episodes on the simulated robot through ROS 2, then show the dataset."""

from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from itertools import count
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from vla_mbpo.cli.dataset import ContactSheet
from vla_mbpo.cli.dataset import Info
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError
from vla_mbpo.robots import load_robot
from vla_mbpo_robot.bringup import CollectOptions
from vla_mbpo_robot.bringup.processes import run_job
from vla_mbpo_robot.cli.output import LogFile
from vla_mbpo_robot.cli.output import PipeConsole
from vla_mbpo_robot.cli.output import ProgressDisplay
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.supervisor import Report

JOB = 'collect'
TASK = 'pick_cup'


@dataclass(frozen=True, kw_only=True)
class Options:
    """Collect a few episodes on the simulated robot through ROS 2, then show the dataset."""

    episodes: Annotated[int, tyro.conf.arg(metavar='N')] = 5
    """Episodes to save."""
    robot: str = 'arx_x5'
    """Robot by name or alias."""
    dataset_dir: Path | None = None
    """Folder for the dataset, new or empty; ./out/demo-<robot>, numbered if it exists, when left out."""
    speed_factor: float = 1.0
    """Simulated seconds per wall second at most."""
    seed: int = 0
    """Scene seed of the first episode."""


def main(argv: list[str]) -> int:
    """Run `vla-mbpo demo`.

    Args:
        argv: Words after `vla-mbpo demo`.

    Returns:
        Exit code: 0 done, 1 a node failed, 2 a node refused its input, 130 on Ctrl-C.

    Raises:
        VlaMbpoError: the demo was refused before anything was started.
    """
    options = tyro.cli(Options, prog='vla-mbpo demo', args=argv)
    if options.episodes < 1:
        raise ConfigError('arguments', [f'episodes: expected at least 1, got {options.episodes}'])
    console = PipeConsole(highlight=False, soft_wrap=True)
    robot = load_robot(options.robot).name
    root = dataset_folder(options.dataset_dir, Path('out') / f'demo-{robot}')
    log = LogFile(root.with_name(f'{root.name}.log'))
    report = _collect(options, root, log, console)
    if report.exit_code != 0:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f'vla-mbpo: {report.sentence} (log: {log.path})', markup=False
        )
        return report.exit_code
    _show(root, log, console)
    return 0


def dataset_folder(asked: Path | None, default: Path) -> Path:
    """Where the dataset goes: a folder that is new or empty, so that no recording is touched.

    Raises:
        DatasetError: the folder that was asked for holds something.
    """
    if asked is not None:
        if asked.exists() and (not asked.is_dir() or any(asked.iterdir())):
            raise DatasetError(asked, 'expected a new or empty folder for the demo; it holds files')
        return asked
    numbered = (default.with_name(f'{default.name}-{number}') for number in count(2))
    return next(path for path in chain((default,), numbered) if not path.exists())


def _collect(options: Options, root: Path, log: LogFile, console: Console) -> Report:
    display = ProgressDisplay(console, f'{TASK} on the simulated {options.robot}')
    collect = CollectOptions(
        robot=options.robot,
        task=TASK,
        simulate=True,
        episodes=options.episodes,
        dataset_dir=str(root),
        speed_factor=options.speed_factor,
        seed=options.seed,
        operator='demo',
    )

    def show(progress: Progress) -> None:
        log.write('session', str(progress))
        display.show(progress)

    with display.running(), closing(log):
        return run_job(JOB, collect, on_line=log.write, on_progress=show)


def _show(root: Path, log: LogFile, console: Console) -> None:
    Info(root=root).run()
    console.print('Contact sheets:')
    ContactSheet(root=root).run()
    console.print(f'Log of the nodes: {log.path}')
    console.print(f'Check the dataset: vla-mbpo dataset check {root}')
