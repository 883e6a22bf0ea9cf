"""Arguments, checks and node lists of the jobs."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vla_mbpo.episodes.schema import DatasetSpec
from vla_mbpo.episodes.writer import DatasetWriter
from vla_mbpo.errors import ConfigError
from vla_mbpo.errors import DatasetError
from vla_mbpo.errors import MissingDependencyError
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import load_robot
from vla_mbpo_robot.bringup import CollectOptions
from vla_mbpo_robot.bringup import NodeSpec
from vla_mbpo_robot.bringup import arguments_of
from vla_mbpo_robot.bringup import node_environment
from vla_mbpo_robot.bringup import node_specs
from vla_mbpo_robot.bringup import options_from
from vla_mbpo_robot.bringup.arguments import split_arguments
from vla_mbpo_robot.bringup.domain import DomainLock
from vla_mbpo_robot.bringup.domain import domain_id
from vla_mbpo_robot.bringup.environment import log_folder
from vla_mbpo_robot.bringup.preparation import check_dataset_folder
from vla_mbpo_robot.bringup.preparation import complete
from vla_mbpo_robot.bringup.preparation import prepare
from vla_mbpo_robot.bringup.processes import process_spec

WORDS = ['robot:=arx_x5', 'task:=pick_cup', 'simulate:=true']


def options(*words: str) -> CollectOptions:
    """Options of job `collect` from argument words that are added to, or replace, a valid set."""
    return options_from(CollectOptions, {**split_arguments(WORDS), **split_arguments(words)})


def specs(*words: str, job: str = 'collect') -> dict[str, NodeSpec]:
    """Nodes of a job by name, in start order."""
    return {spec.name: spec for spec in node_specs(job, complete(options(*words)))}


def test_required_arguments_come_first_and_only_they_have_no_default() -> None:
    arguments = arguments_of(CollectOptions)
    assert [a.name for a in arguments if a.default is None] == ['robot', 'task']
    assert [a.name for a in arguments][:2] == ['robot', 'task']


def test_choices_come_from_what_exists() -> None:
    choices = {argument.name: argument.choices for argument in arguments_of(CollectOptions)}
    assert {'arx_x5', 'galaxea_r1', 'galaxy_r1'} <= set(choices['robot'])
    assert 'pick_cup' in choices['task']
    assert choices['simulate'] == ('true', 'false')
    assert choices['log_level'] == ('debug', 'info', 'warn', 'error')
    assert choices['dataset_dir'] == ()


def test_every_default_is_a_value_that_its_argument_accepts() -> None:
    defaults = {a.name: a.default for a in arguments_of(CollectOptions) if a.default is not None}
    assert options_from(CollectOptions, {'robot': 'arx_x5', 'task': 'pick_cup', **defaults}) == (
        CollectOptions(robot='arx_x5', task='pick_cup')
    )


@pytest.mark.parametrize(
    ('word', 'error', 'message'),
    [
        ('robot:=arx_x6', UnknownNameError, "unknown robot 'arx_x6'.*Did you mean 'arx_x5'"),
        ('task:=pick_cups', UnknownNameError, "unknown task 'pick_cups'.*Did you mean 'pick_cup'"),
        ('epsodes:=2', UnknownNameError, "unknown argument 'epsodes'.*Did you mean 'episodes'"),
        ('simulate:=yes', UnknownNameError, "unknown simulate 'yes'; known: true, false"),
        ('episodes:=two', ConfigError, "episodes: expected a whole number, got 'two'"),
        ('speed_factor:=fast', ConfigError, "speed_factor: expected a number, got 'fast'"),
        ('episodes:=-1', ConfigError, 'episodes: .* greater than or equal to 0, got -1'),
        ('seed:=3000000000', ConfigError, 'seed: expected at most 2147483647, got 3000000000'),
        ('speed_factor:=nan', ConfigError, 'speed_factor: expected a finite number, got nan'),
        ('speed_factor:=0', ConfigError, 'speed_factor: .* greater than 0, got 0'),
        ('episodes=2', VlaMbpoError, "'episodes=2': expected name:=value"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(
    word: str, error: type[VlaMbpoError], message: str
) -> None:
    with pytest.raises(error, match=message):
        options(word)


def test_an_argument_given_twice_is_refused() -> None:
    with pytest.raises(VlaMbpoError, match="'seed' is given twice: '1' and '2'"):
        split_arguments(['seed:=1', 'seed:=2'])


def test_a_missing_required_argument_is_named() -> None:
    with pytest.raises(ConfigError, match='task: missing key'):
        options_from(CollectOptions, {'robot': 'arx_x5'})


def test_an_unknown_job_lists_the_jobs() -> None:
    with pytest.raises(UnknownNameError, match='known: collect, bringup'):
        node_specs('colect', options())


def test_an_alias_is_replaced_by_the_robot_s_name_everywhere() -> None:
    completed = complete(options('robot:=galaxy_r1'))
    assert (completed.robot, completed.namespace) == ('galaxea_r1', 'galaxea_r1')
    assert completed.dataset_dir == str(Path('datasets/galaxea_r1_pick_cup').resolve())


def test_an_unknown_condition_is_refused_with_those_of_the_task() -> None:
    with pytest.raises(UnknownNameError, match=r'unknown condition .* in task pick_cup'):
        complete(options('condition:=moonlight'))


@pytest.mark.parametrize('namespace', ['1arm', 'a//b', 'a b', 'a/', '/'])
def test_a_namespace_that_ros_would_refuse_is_refused(namespace: str) -> None:
    with pytest.raises(VlaMbpoError, match='namespace'):
        complete(options(f'namespace:={namespace}'))


def test_a_simulated_collection_starts_the_twin_first_and_the_session_last_as_leader() -> None:
    nodes = specs()
    assert list(nodes) == ['twin', 'command_gate', 'episode_recorder', 'teleop', 'session']
    assert [spec.name for spec in nodes.values() if spec.is_leader] == ['session']
    assert {spec.namespace for spec in nodes.values()} == {'/arx_x5'}


def test_all_but_the_maker_of_the_clock_follow_simulated_time() -> None:
    follows = {name: spec.parameters.get('use_sim_time', False) for name, spec in specs().items()}
    assert follows == {name: name != 'twin' for name in follows}


def test_a_real_robot_gets_its_driver_and_a_renamed_node_per_camera() -> None:
    nodes = specs('simulate:=false', job='bringup')
    cameras = load_robot('arx_x5').camera_names
    assert list(nodes) == ['robot_driver', *(f'{c}_camera' for c in cameras), 'command_gate']
    assert [nodes[f'{c}_camera'].parameters['camera'] for c in cameras] == list(cameras)
    assert all(nodes[f'{c}_camera'].is_renamed for c in cameras)
    assert not any('use_sim_time' in spec.parameters for spec in nodes.values())


def test_whole_numbers_reach_nodes_as_the_type_that_they_declare() -> None:
    assert type(specs('speed_factor:=2')['twin'].parameters['speed_factor']) is float


def test_a_robot_s_parameter_file_is_used_and_options_override_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parameters(
        tmp_path, monkeypatch, {'/**/twin': {'state_rate_hz': 200, 'speed_factor': 9.0}}
    )
    parameters = specs('speed_factor:=3')['twin'].parameters
    assert (parameters['state_rate_hz'], parameters['speed_factor']) == (200.0, 3.0)


def test_a_camera_takes_its_serial_number_from_the_parameter_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parameters(tmp_path, monkeypatch, {'/**/left_wrist_camera': {'serial': '7'}})
    nodes = specs('simulate:=false', job='bringup')
    serials = {name: node.parameters.get('serial', '') for name, node in nodes.items()}
    assert {name: serial for name, serial in serials.items() if serial} == {
        'left_wrist_camera': '7'
    }


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ({'/**/twin': {'state_rate': 100.0}}, "unknown key.*Did you mean 'state_rate_hz'"),
        ({'/**/twin': {'state_rate_hz': 1e6}}, 'state_rate_hz: .* less than or equal to 500'),
        ({'/**/twyn': {}}, "unknown node 'twyn'.*Did you mean 'twin'"),
        ({'/**/camera': {'serial': '1'}}, "unknown node 'camera'.*known: .*head_camera"),
    ],
)
def test_a_wrong_parameter_file_is_refused_before_anything_starts(
    content: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parameters(tmp_path, monkeypatch, content)
    with pytest.raises(VlaMbpoError, match=message):
        specs()


def write_parameters(
    folder: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, dict[str, Any]]
) -> None:
    """Let config files be looked up in `folder`, whose arx_x5.yaml holds `content`."""
    (folder / 'config').mkdir()
    wrapped = {node: {'ros__parameters': values} for node, values in content.items()}
    (folder / 'config/arx_x5.yaml').write_text(yaml.safe_dump(wrapped))
    monkeypatch.setattr('vla_mbpo_robot.bringup.share.PACKAGE_ROOT', folder)


def test_a_log_folder_that_cannot_be_made_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'file').touch()
    monkeypatch.setenv('ROS_LOG_DIR', str(tmp_path / 'file/log'))
    with pytest.raises(VlaMbpoError, match=r'log folder of ROS .*/file/log: .* Set ROS_LOG_DIR'):
        prepare('collect', options(f'dataset_dir:={tmp_path}/data'))
    assert not (tmp_path / 'data').exists()


def test_logs_go_where_ros_looks_for_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_folder({'ROS_LOG_DIR': '/a', 'ROS_HOME': '/b'}) == Path('/a')
    assert log_folder({'ROS_HOME': '/b'}) == Path('/b/log')
    monkeypatch.setenv('HOME', '/c')
    assert log_folder({}) == Path('/c/.ros/log')


def test_a_process_gets_its_parameters_in_a_file_and_keeps_its_own_node_names(
    tmp_path: Path,
) -> None:
    process = process_spec(specs()['twin'], tmp_path, {})
    assert yaml.safe_load((tmp_path / 'twin.yaml').read_text()) == {
        '/**': {'ros__parameters': dict(specs()['twin'].parameters)}
    }
    assert process.arguments[-2:] == ('-r', '__ns:=/arx_x5')
    assert not any('__node' in argument for argument in process.arguments)


def test_what_the_user_set_in_the_environment_is_kept() -> None:
    environment = node_environment({'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET', 'HOME': '/home/x'})
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'SUBNET'
    assert environment['HOME'] == '/home/x'
    assert environment['RMW_IMPLEMENTATION'] == 'rmw_fastrtps_cpp'
    assert Path(environment['FASTRTPS_DEFAULT_PROFILES_FILE']).name == 'fastdds.xml'


def test_a_robot_without_driver_is_refused_with_the_way_out() -> None:
    with pytest.raises(VlaMbpoError, match='no driver for arx_x5 in this version; use simulate:='):
        prepare('collect', options('simulate:=false'))


def test_a_folder_with_the_name_of_a_ros_package_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'some_msgs').mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr('vla_mbpo_robot.bringup.preparation.ROS_PACKAGES', ('some_msgs',))
    with pytest.raises(MissingDependencyError, match='some_msgs is missing.*make setup'):
        prepare('collect', options())


def test_a_task_without_a_scene_in_the_twin_is_refused() -> None:
    with pytest.raises(
        UnknownNameError, match=r"unknown scene 'fold_towel' in the twin; known: pick"
    ):
        prepare('collect', options('task:=fold_towel'))


def test_a_display_backend_that_cannot_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MUJOCO_GL', 'glwf')
    with pytest.raises(UnknownNameError, match=r"unknown backend 'glwf' in MUJOCO_GL"):
        prepare('collect', options())


def test_too_little_disk_space_is_refused_before_the_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=2**29)
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: usage)
    root = tmp_path / 'data'
    with pytest.raises(DatasetError, match=r'expected 1 GiB of free space, found 0\.50'):
        check_dataset_folder(complete(options(f'dataset_dir:={root}')))
    assert not root.exists()


def test_a_dataset_of_another_robot_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    DatasetWriter.open(tmp_path, DatasetSpec.of_robot(load_robot('arx_x5'))).close()
    before = {file: file.read_bytes() for file in tmp_path.rglob('*') if file.is_file()}
    assert before
    with pytest.raises(DatasetError, match=r'robot: arx_x5.*robot: galaxea_r1'):
        check_dataset_folder(complete(options('robot:=galaxea_r1', f'dataset_dir:={tmp_path}')))
    assert {file: file.read_bytes() for file in tmp_path.rglob('*') if file.is_file()} == before


def test_a_file_in_place_of_the_dataset_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(DatasetError, match='file is a file'):
        check_dataset_folder(complete(options(f'dataset_dir:={tmp_path}/file/data')))


@pytest.mark.parametrize('text', ['-1', '233', 'x', '1.5'])
def test_a_domain_that_ros_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(VlaMbpoError, match='ROS_DOMAIN_ID: expected 0 to 232'):
        domain_id({'ROS_DOMAIN_ID': text})


def test_a_second_stack_with_a_name_of_the_first_is_refused_until_that_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    first, second = DomainLock(7, ['/arx_x5', '/clock']), DomainLock(7, ['/other', '/clock'])
    first.acquire()
    message = f'ROS domain 7: /clock is in use by process {os.getpid()} since 20'
    with pytest.raises(VlaMbpoError, match=message):
        second.acquire()
    DomainLock(8, ['/arx_x5', '/clock']).acquire()
    # What the refused one had taken already is free again.
    DomainLock(7, ['/other']).acquire()
    first.release()
    DomainLock(7, ['/arx_x5', '/clock']).acquire()


def test_a_stack_that_was_killed_leaves_its_names_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        'import os, signal, sys; from vla_mbpo_robot.bringup.domain import DomainLock; '
        'DomainLock(7, ["/x"]).acquire(); os.kill(os.getpid(), signal.SIGKILL)'
    )
    environment = {**os.environ, 'TMPDIR': str(tmp_path), 'PYTHONPATH': os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, '-c', code], env=environment, check=False)
    assert [file.name for file in tmp_path.iterdir()] == ['vla-mbpo-domain-7-x.lock']
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    DomainLock(7, ['/x']).acquire()


def test_options_say_the_same_to_the_twin_and_to_the_session() -> None:
    nodes = specs('seed:=5', 'condition:=' + first_condition())
    for key in ('robot', 'task', 'seed', 'condition'):
        assert nodes['twin'].parameters[key] == nodes['session'].parameters[key]
    assert replace(nodes['twin'], parameters={}).entry == 'vla_mbpo_robot.nodes.twin:main'


def first_condition() -> str:
    """A condition that pick_cup has."""
    from vla_mbpo.tasks import load_task

    return load_task('pick_cup').conditions[0].name


@pytest.mark.parametrize('argument', ['record_black_box', 'black_box_images'])
def test_a_black_box_runs_when_it_is_asked_for_beside_the_same_dataset(argument: str) -> None:
    assert 'black_box' not in specs()
    nodes = specs(f'{argument}:=true')
    box, recorder = nodes['black_box'].parameters, nodes['episode_recorder'].parameters
    assert box['dataset_dir'] == recorder['dataset_dir']
    assert box['images'] == (argument == 'black_box_images')
    assert box['use_sim_time']
