"""The jobs that can be started, and which processes each consists of, in start order."""

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import load_robot
from vla_mbpo_robot.bringup.options import BringupOptions
from vla_mbpo_robot.bringup.options import CollectOptions
from vla_mbpo_robot.bringup.specs import CAMERA
from vla_mbpo_robot.bringup.specs import NodeSpec
from vla_mbpo_robot.bringup.specs import Parameter
from vla_mbpo_robot.bringup.specs import camera_node
from vla_mbpo_robot.bringup.specs import parameters_of


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something that `vla-mbpo up` and a launch file of the same name start."""

    name: str
    description: str
    options: type[BringupOptions]
    nodes: Callable[[Any], Iterator[NodeSpec]]
    """From an instance of `options`."""


def node_specs(job: str, options: BringupOptions) -> list[NodeSpec]:
    """Processes of `job` in start order.

    Args:
        job: Name of a job.
        options: Complete options, as `preparation.complete` returns them.

    Raises:
        UnknownNameError: no such job, or a robot that does not exist.
        ConfigError: a parameter does not fit the settings of its node.
    """
    return list(find_job(job).nodes(options))


def find_job(name: str) -> Job:
    """Job by name.

    Raises:
        UnknownNameError: lists the jobs that exist.
    """
    if name not in _JOBS:
        raise UnknownNameError('job', name, known=_JOBS)
    return _JOBS[name]


def job_names() -> tuple[str, ...]:
    """Names of the jobs that exist."""
    return tuple(_JOBS)


def _bringup(options: BringupOptions) -> Iterator[NodeSpec]:
    spec = partial(_spec, options)
    if options.simulate:
        yield spec(
            'twin',
            task=options.task,
            condition=options.condition,
            seed=options.seed,
            speed_factor=options.speed_factor,
        )
    else:
        yield spec('robot_driver')
        for camera in load_robot(options.robot).camera_names:
            yield spec(CAMERA, name=camera_node(camera), camera=camera)
    yield spec('command_gate')


def _collect(options: CollectOptions) -> Iterator[NodeSpec]:
    spec = partial(_spec, options)
    yield from _bringup(options)
    yield spec('episode_recorder', dataset_dir=options.dataset_dir, simulated=options.simulate)
    if options.record_black_box or options.black_box_images:
        yield spec('black_box', dataset_dir=options.dataset_dir, images=options.black_box_images)
    yield spec('teleop', task=options.task, device=options.device, seed=options.seed)
    yield spec(
        'session',
        is_leader=True,
        task=options.task,
        episodes=options.episodes,
        condition=options.condition,
        operator=options.operator,
        seed=options.seed,
        simulated=options.simulate,
        dataset_dir=options.dataset_dir,
        split=options.split,
        attended=options.attended,
        countdown_s=options.countdown_s,
        pedal=options.pedal,
        sound_command=options.sound_command,
    )


def _spec(
    options: BringupOptions,
    executable: str,
    *,
    name: str = '',
    is_leader: bool = False,
    **values: Parameter,
) -> NodeSpec:
    label = name or executable
    parameters = parameters_of(executable, label, options.robot, {'robot': options.robot, **values})
    # The twin makes the clock, so it alone cannot wait for it.
    follows_clock = options.simulate and executable != 'twin'
    return NodeSpec(
        executable=executable,
        name=label,
        namespace='/' + options.namespace.strip('/'),
        parameters={**parameters, 'use_sim_time': True} if follows_clock else parameters,
        log_level=options.log_level,
        is_leader=is_leader,
    )


_JOBS = {
    job.name: job
    for job in (
        Job(
            name='collect',
            description='Record teleoperated episodes of one task',
            options=CollectOptions,
            nodes=_collect,
        ),
        Job(
            name='bringup',
            description='Start the robot (or its twin) and the command gate only',
            options=BringupOptions,
            nodes=_bringup,
        ),
    )
}
