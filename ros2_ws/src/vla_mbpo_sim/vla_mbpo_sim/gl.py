"""Choice of an OpenGL backend that works without a display."""

import ctypes
import importlib
import os
import subprocess
import sys
from types import ModuleType

from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError

VARIABLE = 'MUJOCO_GL'
BACKENDS = {'egl': ('libEGL.so.1',), 'osmesa': ('libOSMesa.so.8', 'libOSMesa.so.6')}
"""Backends that need no display, in order of preference, each with the libraries of which it loads one."""
APT_PACKAGES = 'libegl1 libgl1-mesa-dri (or libosmesa6)'
PROBE_TIMEOUT_S = 60.0
_PROBE = (
    'from mujoco.{backend} import GLContext; context = GLContext(16, 16); '
    'context.make_current(); context.free()'
)


def use_offscreen_gl() -> str:
    """Set `MUJOCO_GL` to a backend that has really drawn here, and return its name.

    Only the backend that the user chose is tried, if there is one. PyOpenGL binds to one platform per process, so
    each is tried in a process of its own (about 0.5 s). Physics needs none of this: `mujoco` imports and steps
    without any OpenGL library.

    Raises:
        UnknownNameError: `MUJOCO_GL` names a backend that needs a display or does not exist.
        MissingDependencyError: no backend can create a context; names the apt packages.
    """
    failures = []
    for backend in _candidates():
        problem = _problem(backend)
        if problem is None:
            os.environ[VARIABLE] = backend
            return backend
        failures.append(f'{backend}: {problem}')
    raise _missing('; '.join(failures))


def backend_module() -> ModuleType:
    """Module of mujoco whose `GLContext` draws offscreen, whenever mujoco itself was imported.

    Raises:
        UnknownNameError: `MUJOCO_GL` names a backend that needs a display or does not exist.
        MissingDependencyError: the backend cannot be loaded; names the apt packages.
    """
    backends = _candidates()
    backend = backends[0] if len(backends) == 1 else use_offscreen_gl()
    if problem := _obstacle(backend):
        raise _missing(f'{backend}: {problem}')
    try:
        return importlib.import_module(f'mujoco.{backend}')
    except (ImportError, AttributeError) as error:  # PyOpenGL without its library: AttributeError
        raise _missing(f'{backend}: {error}') from error


def _candidates() -> tuple[str, ...]:
    """The backend that the user chose, or all."""
    chosen = os.environ.get(VARIABLE, '').lower().strip()
    if not chosen:
        return tuple(BACKENDS)
    if chosen not in BACKENDS:
        raise UnknownNameError('backend', chosen, known=BACKENDS, where=VARIABLE)
    return (chosen,)


def missing_context(error: Exception) -> MissingDependencyError:
    """The error for a backend whose library loads but cannot create a context."""
    return _missing(f'{os.environ.get(VARIABLE)}: {error}')


def _missing(detail: str) -> MissingDependencyError:
    return MissingDependencyError(
        f'An OpenGL library for drawing without a display ({detail})',
        needed_for='pictures of the twin',
        remedy=f'Install: apt-get install {APT_PACKAGES}.',
    )


def _problem(backend: str) -> str | None:
    """Why `backend` cannot draw here, or None if it can."""
    if problem := _obstacle(backend):
        return problem
    command = [sys.executable, '-c', _PROBE.format(backend=backend)]
    environment = {**os.environ, VARIABLE: backend}
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and text
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f'no context within {PROBE_TIMEOUT_S:.0f} s'
    last_line = (done.stderr.strip().splitlines() or ['unknown reason'])[-1]
    return None if done.returncode == 0 else last_line


def _obstacle(backend: str) -> str | None:
    """What would make PyOpenGL fail with a message that says nothing."""
    platform = os.environ.get('PYOPENGL_PLATFORM')
    if platform and platform != backend:
        return f'PYOPENGL_PLATFORM is {platform!r}; unset it'
    if not any(_loads(library) for library in BACKENDS[backend]):
        return f'{BACKENDS[backend][0]} not found'
    return None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
