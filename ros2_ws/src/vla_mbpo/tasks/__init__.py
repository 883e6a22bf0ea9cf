"""Tasks: what to demonstrate and how to evaluate it, one YAML per task."""

from vla_mbpo.tasks.spec import Condition
from vla_mbpo.tasks.spec import TaskSpec
from vla_mbpo.tasks.spec import load_task
from vla_mbpo.tasks.spec import task_names

__all__ = ['Condition', 'TaskSpec', 'load_task', 'task_names']
