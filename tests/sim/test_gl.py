import os
import subprocess
import sys

import pytest

from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo_sim.gl import BACKENDS
from vla_mbpo_sim.gl import backend_module
from vla_mbpo_sim.gl import use_offscreen_gl

PHYSICS_ONLY = """
import sys
from vla_mbpo.robots import load_robot
from vla_mbpo.tasks import load_task
from vla_mbpo_sim.twin import Twin
twin = Twin(load_robot('arx_x5'), load_task('pick_cup'))
twin.reset(0, 'red_cup')
twin.advance(0.1)
assert 'OpenGL' not in sys.modules
"""


def test_physics_loads_no_opengl() -> None:
    environment = {name: value for name, value in os.environ.items() if name != 'MUJOCO_GL'}
    environment['PYTHONPATH'] = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, '-c', PHYSICS_ONLY], env=environment, check=True, timeout=60)


def test_the_chosen_backend_has_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MUJOCO_GL', '')
    backend = use_offscreen_gl()
    assert backend in BACKENDS
    assert os.environ['MUJOCO_GL'] == backend


def test_a_backend_that_needs_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MUJOCO_GL', 'glfw')
    with pytest.raises(UnknownNameError, match=r"'glfw' in MUJOCO_GL; known: egl, osmesa"):
        use_offscreen_gl()


def test_without_a_working_backend_the_error_names_the_apt_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('MUJOCO_GL', raising=False)
    monkeypatch.setenv('PYOPENGL_PLATFORM', 'glx')  # neither backend accepts it
    with pytest.raises(MissingDependencyError, match='apt-get install libegl1 libgl1-mesa-dri'):
        use_offscreen_gl()


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_chosen_backend_says_in_words_why_it_cannot_draw(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('MUJOCO_GL', backend)
    monkeypatch.setenv('PYOPENGL_PLATFORM', 'glx')
    with pytest.raises(MissingDependencyError, match=r"PYOPENGL_PLATFORM is 'glx'; unset it"):
        backend_module()
    monkeypatch.delenv('PYOPENGL_PLATFORM')
    monkeypatch.setitem(BACKENDS, backend, ('libthat_nobody_has.so.1',))
    with pytest.raises(MissingDependencyError, match=r'libthat_nobody_has\.so\.1 not found'):
        backend_module()
