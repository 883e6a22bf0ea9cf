"""Environment of every node process, and the shared memory that killed ones leave behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from vla_mbpo_robot.bringup.share import config_file

SHARED_MEMORY = Path('/dev/shm')  # noqa: S108  where Fast DDS puts its segments
_SEGMENTS = 'fastrtps_*'

# glibc maps and unmaps every block above 128 kB: each picture costs hundreds of page faults on every hop.
# Kept on the heap, receiving three 640x480 cameras at 30 Hz costs 40 % less processor time (bench/image_path.py).
_MALLOC = {'MALLOC_MMAP_THRESHOLD_': '33554432', 'MALLOC_TRIM_THRESHOLD_': '134217728'}


def node_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with what the nodes need; what the user has set is kept."""
    wanted = {
        'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'FASTRTPS_DEFAULT_PROFILES_FILE': str(config_file('fastdds.xml')),
        'OMP_NUM_THREADS': '1',
        **_MALLOC,
        'PYTHONUNBUFFERED': '1',
    }
    if environ.get('ROS_DISTRO') == 'humble':
        wanted['ROS_LOCALHOST_ONLY'] = '1'
    return {**wanted, **environ}


def log_folder(environ: Mapping[str, str]) -> Path:
    """Where rcl keeps the log file of each node; it looks at these variables in this order."""
    if folder := environ.get('ROS_LOG_DIR'):
        return Path(folder).expanduser().absolute()
    home = environ.get('ROS_HOME') or Path.home() / '.ros'
    return Path(home).expanduser().absolute() / 'log'


def clean_shared_memory() -> None:
    """Remove segments of processes that were killed; Fast DDS's own tool spares those in use."""
    # Beside the interpreter as well: `.venv/bin/vla-mbpo` also runs where the environment is not activated.
    folders = [os.environ.get('PATH', os.defpath), str(Path(sys.executable).parent)]
    tool = shutil.which('fastdds', path=os.pathsep.join(folders))
    if tool and any(SHARED_MEMORY.glob(_SEGMENTS)):
        subprocess.run([tool, 'shm', 'clean'], check=False, capture_output=True, timeout=10)  # noqa: S603
