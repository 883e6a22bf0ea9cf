"""The four ways to install the packages, each tried on a copy of the tracked files."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from repository import ROOT
from repository import package_names
from repository import tracked_below
from repository import tracked_files

pytestmark = pytest.mark.timeout(600)

SHARE_FILES = [*tracked_below('launch'), *tracked_below('urdf'), *tracked_below('calibration')]
ROBOT_CONFIG = tracked_below('ros2_ws/src/vla_mbpo_robot/config')
PIP_PACKAGES = ('.', 'ros2_ws/src/vla_mbpo_sim', 'ros2_ws/src/vla_mbpo_robot')
# Loads every robot and task and prints where code and share files come from, separated by lines.
PROBE = """
import vla_mbpo, vla_mbpo_sim, vla_mbpo_robot
from vla_mbpo.paths import share_path
from vla_mbpo.robots import load_robot, robot_names
from vla_mbpo.tasks import load_task, task_names
assert {'arx_x5', 'galaxea_r1', 'galaxea_r1_pro'} <= {load_robot(n).name for n in robot_names()}
assert 'pick_cup' in {load_task(n).name for n in task_names()}
for package in (vla_mbpo, vla_mbpo_sim, vla_mbpo_robot):
    print(package.__file__)
print(share_path('urdf'))
"""


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without what points at installed packages or measures coverage."""
    dropped = ('COVERAGE', 'COV_CORE', 'PYTHON', 'AMENT_', 'CMAKE_', 'COLCON_', 'VIRTUAL_ENV')
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return {**kept, **changes}


def run(*command: str, cwd: Path, **changes: str) -> str:
    """Run a command; its output. A failure shows everything it said."""
    environment = clean_environment(**changes)
    result = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f'{" ".join(command)}\n{result.stdout}'
    return result.stdout


def colcon(tree: Path, *arguments: str) -> str:
    """Run colcon with this Python and this environment's prefix, as `source setup.bash` of a distro would.

    Compilers yield to the other test worker, which may be running nodes against the clock.
    """
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    prefixes = os.pathsep.join([*filter(None, [os.environ.get('AMENT_PREFIX_PATH')]), sys.prefix])
    command = str(Path(sys.executable).parent / 'colcon')
    return run(
        'nice',
        '-n19',
        command,
        *arguments,
        cwd=tree,
        PATH=path,
        AMENT_PREFIX_PATH=prefixes,
        CMAKE_PREFIX_PATH=prefixes,
    )


def programs_below(folder: str) -> set[str]:
    """Names of the modules of a tracked folder that define `main`."""
    sources = {Path(name).stem: (ROOT / name).read_text() for name in tracked_below(folder, '.py')}
    return {name for name, source in sources.items() if '\ndef main(' in source}


@pytest.fixture(scope='module')
def copy_tree(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that copies the tracked files into a new folder."""

    def copy(name: str) -> Path:
        tree = tmp_path_factory.mktemp(name)
        for file in tracked_files():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, tree / file)
        return tree

    return copy


@pytest.fixture(scope='module', params=['copied', 'symlinked'])
def workspace(request: pytest.FixtureRequest, copy_tree: Callable[[str], Path]) -> Path:
    """A tree that was built with colcon, once without and once with --symlink-install."""
    tree = copy_tree(f'colcon_{request.param}')
    options = ['--symlink-install'] if request.param == 'symlinked' else []
    output = colcon(tree, 'build', '--event-handlers', 'console_direct-', *options)
    assert f'{len(package_names())} packages finished' in output, output
    return tree


def make_environment(folder: Path) -> str:
    """A virtual environment that sees our dependencies but none of our packages; its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = sysconfig.get_path('purelib', vars={'base': str(folder), 'platbase': str(folder)})
    # A .pth file inside a folder that is added this way is not read, so our editable installs stay invisible.
    Path(site, 'dependencies.pth').write_text(sysconfig.get_path('purelib'))
    return str(folder / 'bin/python')


def pip_install(python: str, tree: Path, *arguments: str) -> None:
    """Install into the environment of `python`, offline."""
    options = (
        '--no-deps',
        '--use-pep517',
        '--no-build-isolation',
        '--no-index',
        '--ignore-installed',
        '--quiet',
    )
    run(python, '-m', 'pip', 'install', *options, *arguments, cwd=tree)


@pytest.fixture(scope='module')
def installed(copy_tree: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment into which all packages were installed with `pip install`."""
    folder = tmp_path_factory.mktemp('pip_install')
    tree = copy_tree('pip_source')
    pip_install(make_environment(folder), tree, *(f'./{package}' for package in PIP_PACKAGES))
    shutil.rmtree(tree)
    return folder


def test_colcon_lists_every_package_and_does_not_look_into_the_environment(
    copy_tree: Callable[[str], Path],
) -> None:
    tree = copy_tree('colcon_list')
    decoy = tree / '.venv/lib/decoy'
    decoy.mkdir(parents=True)
    shutil.copy(ROOT / 'ros2_ws/src/vla_mbpo_sim/package.xml', decoy)
    listed = {
        line.split('\t')[0]: line.split('\t')[1] for line in colcon(tree, 'list').splitlines()
    }
    assert set(listed) == package_names()
    assert not [path for path in listed.values() if '.venv' in path]


def test_colcon_build_puts_nodes_where_ros2_run_looks(workspace: Path) -> None:
    folder = workspace / 'ros2_ws/install/vla_mbpo_robot/lib/vla_mbpo_robot'
    executables = {path.name for path in folder.iterdir() if os.access(path, os.X_OK)}
    assert 'command_gate' in executables
    assert executables == programs_below('ros2_ws/src/vla_mbpo_robot/vla_mbpo_robot/nodes')


def test_colcon_build_puts_share_files_where_ros2_launch_looks(workspace: Path) -> None:
    share = workspace / 'ros2_ws/install/vla_mbpo/share/vla_mbpo'
    assert SHARE_FILES
    assert [file for file in SHARE_FILES if not (share / file).is_file()] == []
    config = workspace / 'ros2_ws/install/vla_mbpo_robot/share/vla_mbpo_robot/config'
    assert {path.name for path in config.iterdir()} == {Path(file).name for file in ROBOT_CONFIG}


def test_colcon_build_registers_every_package(workspace: Path) -> None:
    for name in package_names():
        prefix = workspace / 'ros2_ws/install' / name / 'share'
        assert (prefix / 'ament_index/resource_index/packages' / name).is_file()
        assert (prefix / name / 'package.xml').is_file()


def test_sourced_workspace_offers_the_command_the_messages_and_its_own_share_files(
    workspace: Path,
) -> None:
    command = 'source ros2_ws/install/setup.bash; command -v vla-mbpo; python -c "$PROBE"'
    probe = f'{PROBE}\nfrom vla_mbpo_msgs.msg import GateState; print(GateState.__module__)'
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    lines = run('bash', '-c', command, cwd=workspace, PROBE=probe, PATH=path).splitlines()
    script, *modules, share, message = lines
    assert script == str(workspace / 'ros2_ws/install/vla_mbpo/bin/vla-mbpo')
    assert all(module.startswith(str(workspace)) for module in modules)
    assert share == str(workspace / 'ros2_ws/install/vla_mbpo/share/vla_mbpo/urdf')
    assert message.startswith('vla_mbpo_msgs.msg')


def test_pip_install_finds_robots_tasks_and_share_files(installed: Path) -> None:
    *modules, share = run(str(installed / 'bin/python'), '-c', PROBE, cwd=installed).splitlines()
    assert all(module.startswith(str(installed)) for module in modules)
    assert share == str(installed / 'share/vla_mbpo/urdf')
    assert [f for f in SHARE_FILES if not (installed / 'share/vla_mbpo' / f).is_file()] == []
    assert os.access(installed / 'bin/vla-mbpo', os.X_OK)


def test_sourced_workspace_goes_before_the_installed_files(installed: Path, tmp_path: Path) -> None:
    (tmp_path / 'share/vla_mbpo/urdf').mkdir(parents=True)
    prefixes = os.pathsep.join([str(tmp_path / 'missing'), str(tmp_path)])
    python = str(installed / 'bin/python')
    *_, share = run(python, '-c', PROBE, cwd=tmp_path, AMENT_PREFIX_PATH=prefixes).splitlines()
    assert share == str(tmp_path / 'share/vla_mbpo/urdf')


def test_editable_install_uses_the_files_of_the_tree(
    copy_tree: Callable[[str], Path], tmp_path: Path
) -> None:
    tree = copy_tree('pip_editable')
    python = make_environment(tmp_path / 'environment')
    editable = [word for package in PIP_PACKAGES for word in ('-e', f'./{package}')]
    pip_install(python, tree, *editable)
    *modules, share = run(python, '-c', PROBE, cwd=tmp_path).splitlines()
    assert all(module.startswith(str(tree / 'ros2_ws/src')) for module in modules)
    assert share == str(tree / 'urdf')
