"""Build the ROS 2 interfaces of `vla_mbpo_msgs` into the virtual environment that runs this program.

Machines with a ROS distribution use `colcon build` instead. Here rclpy comes from wheels, whose start-up hook puts
`<venv>/lib` on the library path, so a plain `.venv/bin/python` finds what is installed into the environment's prefix.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / 'ros2_ws/src/vla_mbpo_msgs'
PREFIX = Path(sys.prefix)
BUILD = PREFIX / 'build/vla_mbpo_msgs'
MANIFEST = PREFIX / 'share/vla_mbpo_msgs/install_manifest.txt'
# The message wheels name include folders of the machine that built them, and CMake refuses a folder that is missing.
PYTHON_INCLUDE = re.compile(r'/opt/python/[^;"]+/include/python3\.\d+t?')
NUMPY_INCLUDE = re.compile(r'/opt/python/[^;"]+/numpy/(?:_core|core)/include')


def repair_exports(prefix: Path) -> int:
    """Point the message wheels' CMake exports at this machine's Python and numpy headers.

    Returns:
        Number of files that were changed; 0 when all were right already.
    """
    python_include = sysconfig.get_path('include')
    changed = 0
    for file in prefix.glob('share/*/cmake/export_*__rosidl_generator_pyExport.cmake'):
        text = file.read_text()
        repaired = NUMPY_INCLUDE.sub(np.get_include(), PYTHON_INCLUDE.sub(python_include, text))
        if repaired != text:
            file.write_text(repaired)
            changed += 1
    return changed


def remove_installed(prefix: Path) -> None:
    """Remove the files of the previous build, so that a deleted message leaves nothing behind."""
    if not MANIFEST.exists():
        return
    for line in MANIFEST.read_text().splitlines():
        path = Path(line)
        if path.is_relative_to(prefix):
            path.unlink(missing_ok=True)
    MANIFEST.unlink()


def run(*command: str) -> None:
    """Run one build command with the environment's prefix in front.

    Raises:
        SystemExit: if CMake or the compiler refuses; what they said is printed.
    """
    path = f'{PREFIX / "bin"}{os.pathsep}{os.environ["PATH"]}'
    prefixes = {'AMENT_PREFIX_PATH': str(PREFIX), 'CMAKE_PREFIX_PATH': str(PREFIX)}
    environment = {**os.environ, **prefixes, 'PATH': path}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.stderr.write(result.stdout + result.stderr)
        sys.exit(
            f'build_messages: {" ".join(command[:2])} failed with exit code {result.returncode}'
        )


def main() -> None:
    """Build the messages for this environment; the previous ones stay until the new ones compiled."""
    if sys.prefix == sys.base_prefix:
        sys.exit(
            'build_messages: run me with the Python of a virtual environment (.venv/bin/python)'
        )
    repaired = repair_exports(PREFIX)
    shutil.rmtree(BUILD, ignore_errors=True)
    options = ('-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={sys.executable}')
    run('cmake', '-S', str(SOURCE), '-B', str(BUILD), f'-DCMAKE_INSTALL_PREFIX={PREFIX}', *options)
    run('cmake', '--build', str(BUILD), '--parallel', str(os.cpu_count() or 1))
    remove_installed(PREFIX)
    run('cmake', '--install', str(BUILD))
    shutil.copy(BUILD / 'install_manifest.txt', MANIFEST)
    shutil.rmtree(BUILD)
    print(f'vla_mbpo_msgs installed below {PREFIX} ({repaired} CMake exports repaired)')


if __name__ == '__main__':
    main()
