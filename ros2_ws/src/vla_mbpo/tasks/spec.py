"""`TaskSpec`: instruction, counts, conditions and prompts of one task (paper, appendix C)."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources import files
from typing import Annotated
from typing import Literal
from typing import get_args

from vla_mbpo.config import load
from vla_mbpo.config import setting
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import robot_names

Split = Literal['seen', 'unseen']


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One way to lay the task out: objects, background and poses."""

    name: str
    split: Split
    description: str
    """What the operator prepares, in one sentence."""
    instruction: str | None = None
    """Replaces the task's instruction where this condition is in use."""
    objects: tuple[str, ...] = ()
    background: str = 'bare table'
    poses: str = 'anywhere in the marked area'
    scene: dict[str, float | str | tuple[float, ...]] | None = None
    """Settings of the twin's scene; None where the twin has no scene for the task."""


@dataclass(frozen=True, kw_only=True)
class EvaluationPlan:
    """Trials of one evaluation (paper: 30 seen and 20 unseen)."""

    seen_trials: Annotated[int, setting('Trials under seen conditions', ge=1)] = 30
    unseen_trials: Annotated[int, setting('Trials under unseen conditions', ge=1)] = 20


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """One task, for every robot that it is defined for."""

    name: str
    title: str
    instruction: str
    robots: tuple[str, ...]
    demonstrations: Annotated[int, setting('Teleoperated episodes wanted', ge=1)]
    autonomous_rollouts: Annotated[int, setting('Policy episodes wanted', ge=0)] = 50
    time_limit_s: Annotated[float, setting('Longest episode', unit='s', gt=0)]
    rl_samples: Annotated[int, setting('Imagined branches per PPO iteration', ge=1)] = 512
    reward_prompt: str
    evaluation: EvaluationPlan = EvaluationPlan()
    conditions: tuple[Condition, ...]
    failure_reasons: tuple[str, ...]
    """What an operator may choose as the cause of a failed episode."""

    def __post_init__(self) -> None:
        names = [condition.name for condition in self.conditions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'conditions: {", ".join(twice)} given twice')
        for split in get_args(Split):
            if not self.conditions_of(split):
                raise ValueError(f'conditions: none of split {split!r}')

    def condition(self, name: str) -> Condition:
        """Condition by name.

        Raises:
            UnknownNameError: lists the conditions that exist.
        """
        known = {condition.name: condition for condition in self.conditions}
        if name not in known:
            raise UnknownNameError('condition', name, known=known, where=f'task {self.name}')
        return known[name]

    def conditions_of(self, split: Split) -> tuple[Condition, ...]:
        """Conditions of one split, in file order."""
        return tuple(condition for condition in self.conditions if condition.split == split)


def task_names() -> tuple[str, ...]:
    """Names of the tasks that exist, sorted."""
    found = files('vla_mbpo.tasks').iterdir()
    return tuple(sorted(f.name.removesuffix('.yaml') for f in found if f.name.endswith('.yaml')))


@cache
def load_task(name: str) -> TaskSpec:
    """Task by name.

    Raises:
        UnknownNameError: lists the tasks that exist.
        ConfigError: the file does not fit the schema.
    """
    if name not in task_names():
        raise UnknownNameError('task', name, known=task_names())
    with as_file(files('vla_mbpo.tasks') / f'{name}.yaml') as path:
        task = load(TaskSpec, path)
        unknown = [robot for robot in task.robots if robot not in robot_names()]
        if unknown:
            known = ', '.join(robot_names())
            raise ConfigError(str(path), [f'robots: unknown {", ".join(unknown)}; known: {known}'])
    return task


def check_robot(task: TaskSpec, robot: str) -> None:
    """Refuse a robot that the task is not defined for.

    Raises:
        VlaMbpoError: names the robots that it is defined for.
    """
    if robot not in task.robots:
        defined = ', '.join(task.robots)
        raise VlaMbpoError(f'task {task.name} is not defined for {robot}; it is for: {defined}')
