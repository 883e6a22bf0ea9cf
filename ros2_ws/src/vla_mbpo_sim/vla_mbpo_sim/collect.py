"""Episodes of the twin without ROS, as quickly as the CPU steps them."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.tasks.spec import TaskSpec
from vla_mbpo_sim.experts import ScriptedExpert
from vla_mbpo_sim.experts import make_expert
from vla_mbpo_sim.noise import NO_NOISE
from vla_mbpo_sim.noise import Disturbance
from vla_mbpo_sim.noise import Noise
from vla_mbpo_sim.noise import seen_objects
from vla_mbpo_sim.trajectory import NO_PICTURES
from vla_mbpo_sim.trajectory import Pictures
from vla_mbpo_sim.trajectory import Rows
from vla_mbpo_sim.trajectory import Trajectory
from vla_mbpo_sim.twin import Twin

AFTER_SUCCESS_S = 0.5
"""An episode ends when success has lasted this long."""
RATE_TOLERANCE = 1.0e-9


def run_episode(  # noqa: PLR0913  the keywords are independent switches
    twin: Twin,
    expert: ScriptedExpert,
    *,
    seed: int,
    condition: str,
    pictures: Pictures = NO_PICTURES,
    noise: Noise = NO_NOISE,
    snapshots: bool = False,
    time_limit_s: float | None = None,
) -> Trajectory:
    """One episode of `expert`, until success has lasted a while, the plan is over, or time is up.

    Targets move from one to the next as the command gate moves them: linearly over a policy period, no faster than
    the layout's operating rates.

    Raises:
        UnreachableError: the expert cannot plan.
    """
    robot = twin.robot
    period_s = 1.0 / robot.file.policy_rate_hz
    every = _policy_steps_per_row(robot)
    rng = np.random.default_rng([seed, 1])
    disturbance = Disturbance(robot, noise, period_s, rng)
    twin.reset(seed, condition)
    expert.reset(twin.state(), seen_objects(twin.objects(), noise, rng), 0.0)
    rows = Rows(twin, pictures, snapshots=snapshots)
    steps = round((time_limit_s or twin.task.time_limit_s) / period_s)
    for step in range(steps):
        if step % every == 0:
            rows.begin(step * period_s)
        state = twin.state()
        goal = expert.act(state, step * period_s) + disturbance.next()
        move_targets(twin, goal, period_s)
        if (step + 1) % every == 0:
            rows.end()
            over = expert.is_done((step + 1) * period_s) or rows.success_s() >= AFTER_SUCCESS_S
            if over:
                break
    return rows.trajectory()


def collect(
    robot: RobotDescription,
    task: TaskSpec,
    *,
    episodes: int,
    first_seed: int = 0,
    pictures: Pictures = NO_PICTURES,
    noise: Noise = NO_NOISE,
) -> Iterator[Trajectory]:
    """Episodes of the scripted expert with seeds from `first_seed` on, over the seen conditions in turn."""
    expert = make_expert(robot, task.name, first_seed)
    conditions = task.conditions_of('seen')
    with closing(Twin(robot, task)) as twin:
        for seed in range(first_seed, first_seed + episodes):
            condition = conditions[seed % len(conditions)].name
            yield run_episode(
                twin, expert, seed=seed, condition=condition, pictures=pictures, noise=noise
            )


def move_targets(twin: Twin, goal: Vector, period_s: float) -> None:
    """Let `period_s` pass while the targets move linearly from the last command to `goal` [A]."""
    layout = twin.robot.action
    ticks = max(1, round(period_s * twin.robot.file.command_rate_hz))
    tick_s = period_s / ticks
    start = twin.commanded()
    goal = np.clip(goal, layout.lower, layout.upper)
    reach = layout.max_rate * period_s
    change = np.clip(goal - start, -reach, reach)
    for tick in range(1, ticks + 1):
        twin.command(start + change * (tick / ticks))
        twin.advance(tick_s)


def _policy_steps_per_row(robot: RobotDescription) -> int:
    ratio = robot.file.policy_rate_hz / robot.file.record_rate_hz
    if ratio < 1.0 or abs(ratio - round(ratio)) > RATE_TOLERANCE:
        raise VlaMbpoError(
            f'{robot.name}: policy_rate_hz {robot.file.policy_rate_hz} must be a whole multiple of '
            f'record_rate_hz {robot.file.record_rate_hz} to collect without ROS'
        )
    return round(ratio)
