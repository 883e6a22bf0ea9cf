"""A prepared job under the supervisor: parameter files, command lines, progress lines."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import nullcontext
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from vla_mbpo_robot.bringup.environment import clean_shared_memory
from vla_mbpo_robot.bringup.options import BringupOptions
from vla_mbpo_robot.bringup.preparation import prepare
from vla_mbpo_robot.bringup.specs import NodeSpec
from vla_mbpo_robot.collection_io import Phase
from vla_mbpo_robot.operator.sounds import Cue
from vla_mbpo_robot.progress import Details
from vla_mbpo_robot.progress import Heard
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.progress import from_line
from vla_mbpo_robot.supervisor import OnLine
from vla_mbpo_robot.supervisor import ProcessSpec
from vla_mbpo_robot.supervisor import Report
from vla_mbpo_robot.supervisor import Supervisor

_LOG_FORMAT = '{severity}: {message}'
"""The supervisor writes the node's name in front of each line."""


Send = Callable[[str], None]
"""Takes a line for the leader."""


@dataclass(frozen=True, kw_only=True)
class OperatorScreen:
    """A terminal at which somebody sits: what it shows beside progress, rings, and where its keys go."""

    on_details: Callable[[Details], None]
    on_cue: Callable[[Cue], None]
    keys: Callable[[Send], AbstractContextManager[None]]
    """Reads keys while the job runs."""


def run_job(
    job: str,
    options: BringupOptions,
    *,
    on_line: OnLine,
    on_progress: Callable[[Progress], None],
    screen: OperatorScreen | None = None,
) -> Report:
    """Prepare `job`, run it to its end and tidy up; call from the main thread.

    Raises:
        VlaMbpoError: the job was refused; nothing was started or written.
    """
    prepared = prepare(job, options)
    newest: list[Progress] = []

    def sort(name: str, line: str) -> None:
        said = from_line(line)
        if said is None:
            on_line(name, line)
        elif isinstance(said, Progress):
            newest[:] = [said]
            on_progress(said)
        elif screen:
            _show(said, screen)

    environment = {'RCUTILS_CONSOLE_OUTPUT_FORMAT': _LOG_FORMAT, **prepared.environment}
    try:
        clean_shared_memory()
        with TemporaryDirectory(prefix='vla-mbpo-') as folder:
            specs = [
                process_spec(with_details(spec) if screen else spec, Path(folder), environment)
                for spec in prepared.specs
            ]
            supervisor = Supervisor(specs, on_line=sort)
            leader = next((spec.name for spec in specs if spec.is_leader), '')
            keys = screen.keys(partial(supervisor.send, leader)) if screen else nullcontext()
            with keys:
                return _complete(supervisor.run(), newest)
    finally:
        clean_shared_memory()
        prepared.lock.release()


def _complete(report: Report, newest: Sequence[Progress]) -> Report:
    """A session that was told to stop ends well, and yet its job is not done."""
    if report.exit_code != 0 or not newest or newest[-1].phase == Phase.DONE:
        return report
    return Report(exit_code=1, sentence=f'the session was stopped: {newest[-1]}')


def with_details(node: NodeSpec) -> NodeSpec:
    """`node`; a leader prints what a screen shows."""
    if not node.is_leader:
        return node
    return replace(node, parameters={**node.parameters, 'details': True})


def _show(said: Details | Heard, screen: OperatorScreen) -> None:
    if isinstance(said, Details):
        screen.on_details(said)
    else:
        screen.on_cue(said.cue)


def process_spec(node: NodeSpec, folder: Path, environment: Mapping[str, str]) -> ProcessSpec:
    """Process of `node`; its parameters are written to `folder`, which must outlive its start."""
    file = folder / f'{node.name}.yaml'
    content = {'/**': {'ros__parameters': dict(node.parameters)}}
    file.write_text(yaml.safe_dump(content), encoding='utf-8')
    arguments = ['--ros-args', '--log-level', node.log_level, '--params-file', str(file)]
    arguments += ['-r', f'__ns:={node.namespace}']
    if node.is_renamed:
        arguments += ['-r', f'__node:={node.name}']
    return ProcessSpec(
        name=node.name,
        entry=node.entry,
        arguments=tuple(arguments),
        environment=environment,
        is_leader=node.is_leader,
    )
