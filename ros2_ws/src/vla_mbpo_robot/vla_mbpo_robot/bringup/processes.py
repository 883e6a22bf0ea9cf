"""A prepared job under the supervisor: parameter files, command lines, progress lines."""

from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from vla_mbpo_robot.bringup.environment import clean_shared_memory
from vla_mbpo_robot.bringup.options import BringupOptions
from vla_mbpo_robot.bringup.preparation import prepare
from vla_mbpo_robot.bringup.specs import NodeSpec
from vla_mbpo_robot.progress import Progress
from vla_mbpo_robot.progress import from_line
from vla_mbpo_robot.supervisor import OnLine
from vla_mbpo_robot.supervisor import ProcessSpec
from vla_mbpo_robot.supervisor import Report
from vla_mbpo_robot.supervisor import Supervisor

_LOG_FORMAT = '{severity}: {message}'
"""The supervisor writes the node's name in front of each line."""


def run_job(
    job: str,
    options: BringupOptions,
    *,
    on_line: OnLine,
    on_progress: Callable[[Progress], None],
) -> Report:
    """Prepare `job`, run it to its end and tidy up; call from the main thread.

    Raises:
        VlaMbpoError: the job was refused; nothing was started or written.
    """
    prepared = prepare(job, options)

    def sort(name: str, line: str) -> None:
        progress = from_line(line)
        if progress is None:
            on_line(name, line)
        else:
            on_progress(progress)

    environment = {'RCUTILS_CONSOLE_OUTPUT_FORMAT': _LOG_FORMAT, **prepared.environment}
    try:
        clean_shared_memory()
        with TemporaryDirectory(prefix='vla-mbpo-') as folder:
            specs = [process_spec(spec, Path(folder), environment) for spec in prepared.specs]
            return Supervisor(specs, on_line=sort).run()
    finally:
        clean_shared_memory()
        prepared.lock.release()


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
