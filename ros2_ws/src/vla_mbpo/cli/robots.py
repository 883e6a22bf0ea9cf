"""List robots, show one's layout, regenerate its URDF and nominal calibration."""

import json
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from typing import Any

import tyro
from rich import box
from rich.console import Console
from rich.table import Table

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import Dim
from vla_mbpo.robots import Layout
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names


@dataclass(frozen=True, kw_only=True)
class Options:
    """List robots, or show the layout of one."""

    name: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar='NAME')] = None
    """Robot or alias; all robots if left out."""
    json: bool = False
    """Print JSON instead of tables."""
    write_urdf: Path | None = None
    """Write <robot>/<robot>.urdf below this folder instead of printing."""
    write_calibration: Path | None = None
    """Write <robot>/*.yaml with nominal values below this folder; measured files are never replaced."""


def main(arguments: list[str]) -> int:
    """Run `vla-mbpo robots` and return its exit code."""
    options = tyro.cli(
        Options, prog='vla-mbpo robots', args=arguments, config=(tyro.conf.FlagCreatePairsOff,)
    )
    robots = [load_robot(name) for name in ([options.name] if options.name else robot_names())]
    if options.write_urdf or options.write_calibration:
        try:
            written = _write(robots, options)
        except OSError as error:
            raise VlaMbpoError(f'{error.filename} cannot be written: {error.strerror}') from error
        for path in written:
            print(path)
    elif options.json:
        summaries = [_plain(robot) for robot in robots]
        print(json.dumps(summaries[0] if options.name else summaries, indent=2))
    elif options.name:
        _show_one(robots[0], Console())
    else:
        _show_all(robots, Console())
    return 0


def _write(robots: list[RobotDescription], options: Options) -> list[Path]:
    from vla_mbpo.robots.nominal import write_nominal_calibration
    from vla_mbpo.robots.urdf import write_urdf

    written = []
    for robot in robots:
        if options.write_urdf:
            written.append(write_urdf(robot, options.write_urdf))
        if options.write_calibration:
            written += write_nominal_calibration(robot, options.write_calibration)
    return written


def _plain(robot: RobotDescription) -> dict[str, Any]:
    file = robot.file
    return {
        'name': robot.name,
        'title': file.title,
        'aliases': list(file.aliases),
        'action': [asdict(dim) for dim in robot.action],
        'state': [asdict(dim) for dim in robot.state],
        'groups': [asdict(group) for group in robot.groups],
        'cameras': [asdict(camera) for camera in robot.cameras],
        'rates_hz': {
            'command': file.command_rate_hz,
            'policy': file.policy_rate_hz,
            'record': file.record_rate_hz,
            'servo': file.servo_rate_hz,
        },
        'teleoperators': list(file.teleoperators),
        'unverified': list(file.unverified),
    }


def _show_all(robots: list[RobotDescription], console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ('robot', 'action', 'groups', 'cameras', 'rates (Hz)'):
        table.add_column(heading, no_wrap=True)
    for robot in robots:
        file = robot.file
        aliases = [f'also {alias}' for alias in file.aliases]
        table.add_row(
            '\n'.join([robot.name, file.title, *aliases]),
            _widths(robot),
            '\n'.join(f'{name} {_width(robot.action, name)}' for name in robot.action.groups),
            '\n'.join(f'{c.name} {c.width}x{c.height}' for c in robot.cameras),
            f'command {file.command_rate_hz:g}\npolicy {file.policy_rate_hz:g}\n'
            f'record {file.record_rate_hz:g}\nservo {file.servo_rate_hz:g}',
        )
        table.add_section()
    console.print(table)


def _widths(robot: RobotDescription) -> str:
    action, state = robot.action.width, robot.state.width
    return str(action) if action == state else f'{action}, state {state}'


def _width(layout: Layout, group: str) -> int:
    return len(layout.dims[layout.slice(group)])


def _show_one(robot: RobotDescription, console: Console) -> None:
    console.print(_layout_table(f'{robot.name}: action', robot.action))
    if robot.state != robot.action:
        console.print(_layout_table(f'{robot.name}: state', robot.state))
    held = [group.name for group in robot.groups if not group.enabled]
    if held:
        console.print(f'held unless asked for: {", ".join(held)}')
    if robot.file.unverified:
        console.print('to be checked on the real robot:')
        for item in robot.file.unverified:
            console.print(f'  - {item}', markup=False, soft_wrap=True)


def _layout_table(title: str, layout: Layout) -> Table:
    table = Table(title=title, title_justify='left', box=box.SIMPLE_HEAD)
    for heading in ('index', 'name', 'unit', 'lower', 'upper', 'rate per s', 'home'):
        numeric = heading not in {'name', 'unit'}
        table.add_column(heading, justify='right' if numeric else 'left')
    for index, dim in enumerate(layout):
        table.add_row(str(index), dim.name, dim.unit, *_limits(dim))
    return table


def _limits(dim: Dim) -> list[str]:
    return [f'{value:.4g}' for value in (dim.lower, dim.upper, dim.max_rate, dim.home)]
