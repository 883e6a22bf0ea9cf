"""Launch files, jobs and parameter files fit the code; checked without `launch`, which only a ROS distribution has."""

import ast
import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from repository import ROOT

from vla_mbpo.robots import robot_names
from vla_mbpo_robot.bringup import BringupOptions
from vla_mbpo_robot.bringup import CollectOptions
from vla_mbpo_robot.bringup import NodeSpec
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import find_job
from vla_mbpo_robot.bringup import job_names
from vla_mbpo_robot.bringup import node_specs
from vla_mbpo_robot.bringup import options_from
from vla_mbpo_robot.bringup.preparation import complete
from vla_mbpo_robot.bringup.specs import PACKAGE
from vla_mbpo_robot.bringup.specs import executables
from vla_mbpo_robot.bringup.specs import file_parameters
from vla_mbpo_robot.bringup.specs import parameters_of
from vla_mbpo_robot.settings import SETTINGS

LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
ROBOT_ROOT = ROOT / 'ros2_ws/src' / PACKAGE
CONFIG = ROBOT_ROOT / 'config'
# One value per argument that differs from its default, to see that it arrives somewhere.
OTHER_VALUES = {
    'black_box_images': 'true',
    'record_black_box': 'true',
    'robot': 'galaxea_r1',
    'task': 'pick_cup',
    'namespace': 'other',
    'simulate': 'true',
    'condition': '',
    'seed': '42',
    'speed_factor': '2.5',
    'log_level': 'warn',
    'dataset_dir': '/somewhere/else',
    'episodes': '17',
    'operator': 'somebody',
    'device': 'scripted',
    'split': 'unseen',
    'attended': 'true',
    'countdown_s': '0.5',
    'pedal': 'some pedal',
    'sound_command': 'play {cue}',
}


def setup_list(name: str) -> tuple[str, ...]:
    """The literal value of constant `name` in the robot package's setup.py."""
    for node in ast.parse((ROBOT_ROOT / 'setup.py').read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            value: tuple[str, ...] = ast.literal_eval(node.value)
            return value
    raise AssertionError(f'setup.py has no {name}')


def jobs_with_specs() -> list[tuple[str, NodeSpec]]:
    """Every process of every job, simulated and not."""
    found = []
    for job in job_names():
        for simulate in ('true', 'false'):
            values = {'robot': 'arx_x5', 'task': 'pick_cup', 'simulate': simulate}
            options = complete(options_from(find_job(job).options, values))
            found += [(job, spec) for spec in node_specs(job, options)]
    return found


def described_job(file: Path) -> str:
    """The job that a launch file describes; fails unless the file does this and nothing else."""
    tree = ast.parse(file.read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == ['generate_launch_description']
    found = re.fullmatch(r"return describe\('(\w+)'\)", ast.unparse(functions[0].body[-1]))
    assert found, f'{file.name} does not end in: return describe(...)'
    return found[1]


def test_every_job_has_a_launch_file_of_its_name_and_every_launch_file_a_job() -> None:
    assert LAUNCH_FILES
    assert {f.name.removesuffix('.launch.py'): described_job(f) for f in LAUNCH_FILES} == {
        job: job for job in job_names()
    }


def test_launch_files_are_thin_and_import_only_what_exists() -> None:
    for file in LAUNCH_FILES:
        assert len(file.read_text().splitlines()) < 40
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module != 'launch':
                # Not imported: it needs `launch`. That the name is defined there is what can be checked.
                spec = importlib.util.find_spec(node.module or '')
                assert spec is not None
                assert spec.origin is not None
                defined = ast.parse(Path(spec.origin).read_text()).body
                names = {n.name for n in defined if isinstance(n, ast.FunctionDef)}
                assert {alias.name for alias in node.names} <= names


def test_the_launch_folder_does_not_become_a_package_that_hides_ros_s_launch() -> None:
    assert not list((ROOT / 'launch').rglob('__init__.py'))


def test_every_executable_is_an_entry_point_whose_module_defines_it() -> None:
    nodes = setup_list('NODES')
    for job, spec in jobs_with_specs():
        assert spec.executable in nodes, f'{job} starts {spec.executable}'
        module, function = spec.entry.split(':')
        file = ROBOT_ROOT / (module.replace('.', '/') + '.py')
        names = [n.name for n in ast.parse(file.read_text()).body if isinstance(n, ast.FunctionDef)]
        assert function in names, f'{module} has no {function}'


def test_every_executable_has_settings_and_every_setting_an_executable() -> None:
    assert set(SETTINGS) == set(setup_list('NODES'))


def test_every_parameter_that_a_job_sets_is_a_setting_of_exactly_its_type() -> None:
    for job, spec in jobs_with_specs():
        declared = SETTINGS[spec.executable]
        for key, value in spec.parameters.items():
            if key == 'use_sim_time':
                continue
            assert hasattr(declared, key), f'{job}: {spec.name} has no parameter {key}'
            expected = type(getattr(declared, key))
            assert type(value) is expected, f'{job}: {spec.name}.{key} is {type(value)}'


@pytest.mark.parametrize('job', job_names())
def test_every_argument_reaches_at_least_one_node(job: str) -> None:
    kind = find_job(job).options
    names = [argument.name for argument in arguments_of(kind)]
    base = {'robot': 'arx_x5', 'task': 'pick_cup', 'simulate': 'true'}
    shown = {str(node_specs(job, complete(options_from(kind, base))))}
    for name in names:
        if name in {'task', 'simulate', 'device', 'condition'}:
            continue  # no second value to try
        changed = complete(options_from(kind, {**base, name: OTHER_VALUES[name]}))
        text = str(node_specs(job, changed))
        assert text not in shown, f'{job}: argument {name} changes nothing'
        shown.add(text)


@pytest.mark.parametrize('options', [BringupOptions, CollectOptions])
def test_every_argument_is_described(options: type) -> None:
    assert [a.name for a in arguments_of(options) if not a.description] == []


def test_every_robot_has_a_parameter_file_and_every_parameter_file_a_robot() -> None:
    assert {file.stem for file in CONFIG.glob('*.yaml')} == set(robot_names())


@pytest.mark.parametrize('robot', robot_names())
def test_every_key_of_a_parameter_file_is_a_setting_in_range(robot: str) -> None:
    for node in file_parameters(robot):
        parameters_of(executables(robot)[node], node, robot, {})


def test_the_transport_profile_holds_several_raw_pictures_in_shared_memory() -> None:
    names = {'p': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
    tree = ElementTree.parse(CONFIG / 'fastdds.xml').getroot()
    size = int(tree.findtext('.//p:segment_size', '', names))
    assert size >= 3 * 3 * 640 * 480 * 3
    declared = {
        node.text for node in tree.findall('.//p:transport_descriptor/p:transport_id', names)
    }
    used = {node.text for node in tree.findall('.//p:userTransports/p:transport_id', names)}
    assert declared == used


def test_nodes_announce_themselves_for_as_long_as_their_peers_may_take_to_start() -> None:
    names = {'p': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
    first = ElementTree.parse(CONFIG / 'fastdds.xml').find('.//p:initialAnnouncements', names)
    assert first is not None
    period_s = int(first.findtext('.//p:nanosec', '', names)) / 1e9
    assert period_s <= 0.5
    assert int(first.findtext('p:count', '', names)) * period_s >= 5.0
