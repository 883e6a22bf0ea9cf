"""Write the reference pages that repeat what the code says, so that nobody types a limit or a default twice.

Use: `.venv/bin/python scripts/reference_pages.py` writes docs/reference/{configuration,robots}.md; with `--check`
nothing is written, and the exit code is 1 when a page is out of date.
"""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path

from annotated_types import Ge
from annotated_types import Gt
from annotated_types import Le
from annotated_types import Lt

from vla_mbpo.config import field_setting
from vla_mbpo.robots import Layout
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots import load_robot
from vla_mbpo.robots import robot_names
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import find_job
from vla_mbpo_robot.bringup import job_names
from vla_mbpo_robot.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / 'docs/reference'
NOTE = """<!-- Generated from {source}. Do not edit this page: change the source, then run
     `.venv/bin/python scripts/reference_pages.py`. -->
"""
CONFIGURATION = """# Configuration

Arguments are what an operator says when starting a job: `name:=value` after `vla-mbpo up JOB` or after
`ros2 launch vla_mbpo JOB.launch.py`. Parameters are what bring-up then gives to the nodes. Everything is checked
before a process starts: an unknown name, a wrong type or a value out of range is one line and exit code 2.

## Arguments of the jobs
"""
PARAMETERS = """## Parameters of the nodes

All are read once, at start, and are read-only afterwards. `ros2 param describe` shows the same text, unit and range.
Values that differ for one robot stand in `ros2_ws/src/vla_mbpo_robot/config/ROBOT.yaml`; arguments override them.
Every node also takes the standard `use_sim_time`, which bring-up sets where the twin runs.
"""
ROBOTS = """# Robots

One number of an action or state vector is one row below. Units are SI; a gripper is its opening in metres. `lower` and
`upper` are the limits that the command gate keeps; `rate per s` is the greatest change per second that it lets through.
`vla-mbpo robots NAME` prints the same table, `vla-mbpo robots NAME --json` everything a script needs.

Leader devices are those that exist for the robot. Which of them this version can drive is argument `device` in
[configuration](configuration.md).
"""


def pages() -> dict[Path, str]:
    """Text of every generated page by its path."""
    return {
        FOLDER / 'configuration.md': configuration_page(),
        FOLDER / 'robots.md': robots_page(),
    }


def configuration_page() -> str:
    """Arguments of every job and parameters of every node."""
    parts = [
        NOTE.format(source='vla_mbpo_robot/settings.py and vla_mbpo_robot/bringup/options.py'),
        CONFIGURATION,
        *(_job_part(job) for job in job_names()),
        PARAMETERS,
        *(_node_part(node, cls) for node, cls in SETTINGS.items()),
    ]
    return '\n'.join(parts)


def robots_page() -> str:
    """Layouts, rates, cameras and open questions of every robot."""
    parts = [
        NOTE.format(source='ros2_ws/src/vla_mbpo/robots/*.yaml'),
        ROBOTS,
        *(_robot_part(load_robot(name)) for name in robot_names()),
    ]
    return '\n'.join(parts)


def _job_part(job: str) -> str:
    found = find_job(job)
    options = found.options
    rows = [
        (
            f'`{argument.name}`',
            'required' if argument.default is None else _code(argument.default),
            ', '.join(map(_code, argument.choices)) or _range(options, argument.name),
            argument.description,
        )
        for argument in arguments_of(options)
    ]
    table = _table(('argument', 'default', 'values', 'meaning'), rows)
    return f'### `{job}`\n\n{found.description}.\n\n{table}'


def _node_part(node: str, cls: type) -> str:
    rows = [
        (
            f'`{field.name}`',
            _unit(cls, field.name),
            _code(field.default),
            _range(cls, field.name),
            field_setting(cls, field.name).description or '',
        )
        for field in dataclasses.fields(cls)
    ]
    table = _table(('parameter', 'unit', 'default', 'range', 'meaning'), rows)
    return f'### `{node}`\n\n{inspect.getdoc(cls)}\n\n{table}'


def _robot_part(robot: RobotDescription) -> str:
    file = robot.file
    facts = [
        f'- rates: commands {file.command_rate_hz:g} Hz, policy {file.policy_rate_hz:g} Hz, '
        f'rows {file.record_rate_hz:g} Hz, joint servos {file.servo_rate_hz:g} Hz',
        f'- leader devices: {", ".join(file.teleoperators)}',
    ]
    if file.aliases:
        facts.insert(0, f'- also called {", ".join(map(_code, file.aliases))}')
    held = [group.name for group in robot.groups if not group.enabled]
    if held:
        facts.append(f'- held, not commanded: {", ".join(map(_code, held))}')
    cameras = [
        (
            c.name,
            f'{c.model} ({c.driver})',
            f'{c.width} x {c.height}',
            f'{c.rate_hz:g}',
            f'{c.fovy_deg:g}',
            f'`{c.parent}`',
        )
        for c in robot.cameras
    ]
    headings = ('camera', 'device', 'pixels', 'Hz', 'vertical field of view, deg', 'mounted on')
    parts = [
        f'## `{robot.name}`: {file.title}\n',
        '\n'.join(facts) + '\n',
        _table(headings, cameras),
        _layout_part('Action', robot.action),
    ]
    if robot.state == robot.action:
        parts.append('The state vector has the same dims in the same order.\n')
    else:
        parts.append(_layout_part('State', robot.state))
    open_points = '\n'.join(f'- {text}' for text in file.unverified)
    parts.append(f'To be checked on the real robot:\n\n{open_points}\n')
    return '\n'.join(parts)


def _layout_part(title: str, layout: Layout) -> str:
    rows = [
        (
            str(index),
            f'`{dim.name}`',
            dim.unit,
            dim.group,
            *(f'{value:.4g}' for value in (dim.lower, dim.upper, dim.max_rate, dim.home)),
        )
        for index, dim in enumerate(layout)
    ]
    headings = ('index', 'name', 'unit', 'group', 'lower', 'upper', 'rate per s', 'home')
    return f'{title}, {layout.width} numbers:\n\n{_table(headings, rows)}'


def _unit(cls: type, name: str) -> str:
    extra = field_setting(cls, name).json_schema_extra
    return str(extra.get('unit', '')) if isinstance(extra, dict) else ''


def _range(cls: type, name: str) -> str:
    """'> 0, <= 100' from the limits of a setting; '' without any."""
    texts = []
    for limit in field_setting(cls, name).metadata:
        for kind, sign in ((Ge, '>='), (Gt, '>'), (Le, '<='), (Lt, '<')):
            if isinstance(limit, kind):
                texts.append(f'{sign} {getattr(limit, kind.__name__.lower()):g}')
    return ', '.join(texts)


def _code(value: object) -> str:
    if value == '':
        return '`""`'
    return f'`{str(value).lower() if isinstance(value, bool) else value}`'


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table that ends in a line feed."""
    lines = [headings, ['---'] * len(headings), *rows]
    return ''.join(f'| {" | ".join(map(_cell, line))} |\n' for line in lines)


def _cell(text: str) -> str:
    """`text` without what Markdown would take for the end of a cell or for HTML."""
    return re.sub(r'\||<(?=\w)', lambda found: f'\\{found[0]}', text)


def main() -> int:
    """Write the pages, or compare them; returns the exit code."""
    outdated = [
        path for path, text in pages().items() if not path.exists() or path.read_text() != text
    ]
    if sys.argv[1:] == ['--check']:
        for path in outdated:
            print(f'{path.relative_to(ROOT)} is out of date: run scripts/reference_pages.py')
        return 1 if outdated else 0
    if sys.argv[1:]:
        sys.exit('reference_pages: expected no argument, or --check')
    for path in outdated:
        path.write_text(pages()[path])
        print(f'{path.relative_to(ROOT)} written')
    return 0


if __name__ == '__main__':
    sys.exit(main())
