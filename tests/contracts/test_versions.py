"""Manifests agree with each other, with setup.py and with what the code imports."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from itertools import chain

import pytest
from repository import ROOT
from repository import dependencies
from repository import imported_modules
from repository import manifests
from repository import package_names
from repository import tracked_below

RUN = ('depend', 'exec_depend')
ALL = ('depend', 'build_depend', 'buildtool_depend', 'exec_depend', 'test_depend')
PYTHON_PACKAGES = {
    'vla_mbpo': '.',
    'vla_mbpo_sim': 'ros2_ws/src/vla_mbpo_sim',
    'vla_mbpo_robot': 'ros2_ws/src/vla_mbpo_robot',
}
SOURCES = {
    'vla_mbpo': 'ros2_ws/src/vla_mbpo',
    'vla_mbpo_sim': 'ros2_ws/src/vla_mbpo_sim/vla_mbpo_sim',
    'vla_mbpo_robot': 'ros2_ws/src/vla_mbpo_robot/vla_mbpo_robot',
}


def normal(distribution: str) -> str:
    """Name of a distribution as pip compares it: lower case, one kind of hyphen."""
    return re.sub(r'[-_.]+', '-', distribution).lower()


def setup_answer(package: str, *questions: str) -> list[str]:
    """What `python setup.py --question` prints for a package, one line each."""
    command = [sys.executable, 'setup.py', '--quiet', *questions]
    folder = ROOT / PYTHON_PACKAGES[package]
    result = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return result.stdout.split('\n')[: len(questions)]


def requirements(package: str) -> set[str]:
    """Names of the distributions that a package's setup.py requires, extras included."""
    tree = ast.parse((ROOT / PYTHON_PACKAGES[package] / 'setup.py').read_text())
    keywords = {
        keyword.arg: keyword.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == 'setup'
        for keyword in node.keywords
    }
    extras = ast.literal_eval(keywords['extras_require'])
    listed = [*ast.literal_eval(keywords['install_requires']), *chain(*extras.values())]
    return {normal(re.split(r'[\[<>=!~; ]', line, maxsplit=1)[0]) for line in listed}


def declared(package: str) -> set[str]:
    """Everything that a package may import: own name, requirements, dependencies of its manifest."""
    manifest = manifests()[PYTHON_PACKAGES[package]]
    names = {package} | requirements(package) | dependencies(manifest, RUN)
    return {normal(name) for name in names}


def test_all_manifests_hold_the_same_version() -> None:
    versions = {folder: manifest.findtext('version') for folder, manifest in manifests().items()}
    assert len(set(versions.values())) == 1, versions
    assert re.fullmatch(r'\d+\.\d+\.\d+', versions['.'] or '')


@pytest.mark.parametrize('package', PYTHON_PACKAGES)
def test_setup_takes_name_and_version_from_the_manifest(package: str) -> None:
    manifest = manifests()[PYTHON_PACKAGES[package]]
    assert setup_answer(package, '--name', '--version') == [
        manifest.findtext('name'),
        manifest.findtext('version'),
    ]


@pytest.mark.parametrize('folder', manifests())
def test_manifest_has_format_3_a_licence_and_a_reachable_maintainer(folder: str) -> None:
    manifest = manifests()[folder]
    assert manifest.tag == 'package'
    assert manifest.get('format') == '3'
    assert manifest.findtext('license') == 'Apache-2.0'
    assert (manifest.findtext('description') or '').strip()
    maintainer = manifest.find('maintainer')
    assert maintainer is not None
    assert re.fullmatch(r'[^@\s]+@[^@\s]+\.[a-z]+', maintainer.get('email', ''))


def test_packages_depend_on_each_other_without_a_cycle() -> None:
    own = package_names()
    graph = {
        manifest.findtext('name', ''): dependencies(manifest, ALL) & own
        for manifest in manifests().values()
    }
    order = list(TopologicalSorter(graph).static_order())
    assert order.index('vla_mbpo') < order.index('vla_mbpo_sim')
    assert order.index('vla_mbpo') < order.index('vla_mbpo_robot')


@pytest.mark.parametrize('package', SOURCES)
def test_every_import_is_declared(package: str) -> None:
    distributions = packages_distributions()
    allowed = declared(package)
    undeclared = []
    for name in tracked_below(SOURCES[package], '.py'):
        for module, line in imported_modules(ROOT / name).items():
            providers = {normal(found) for found in [module, *distributions.get(module, [])]}
            if module not in sys.stdlib_module_names and not providers & allowed:
                undeclared.append(f'{name}:{line} imports {module}')
    assert not undeclared, f'declare in setup.py or package.xml: {undeclared}'


@pytest.mark.parametrize('package', SOURCES)
def test_every_requirement_has_an_exact_version_in_the_constraints(package: str) -> None:
    pinned = set(
        re.findall(r'^([a-z0-9-]+)==', (ROOT / 'constraints.txt').read_text(), re.MULTILINE)
    )
    own = {normal(name) for name in package_names()}
    assert requirements(package) - own <= pinned


def test_message_package_builds_exactly_the_interfaces_that_exist() -> None:
    folder = 'ros2_ws/src/vla_mbpo_msgs'
    text = (ROOT / folder / 'CMakeLists.txt').read_text()
    built = set(re.findall(r'\b(?:msg|srv|action)/\w+\.(?:msg|srv|action)\b', text))
    files = {f.removeprefix(f'{folder}/') for f in tracked_below(folder)}
    assert built == {f for f in files if f.partition('/')[0] in {'msg', 'srv', 'action'}}


def test_interface_fields_are_no_cpp_keywords() -> None:
    keywords = {'auto', 'case', 'char', 'class', 'const', 'default', 'delete', 'do', 'else', 'enum'}
    keywords |= {'export', 'for', 'friend', 'goto', 'if', 'namespace', 'new', 'operator', 'private'}
    keywords |= {
        'protected',
        'public',
        'register',
        'return',
        'signed',
        'static',
        'struct',
        'switch',
    }
    keywords |= {
        'template',
        'this',
        'throw',
        'try',
        'typename',
        'union',
        'using',
        'virtual',
        'while',
    }
    for name in tracked_below('ros2_ws/src/vla_mbpo_msgs'):
        if name.endswith(('.msg', '.srv', '.action')):
            fields = re.findall(
                r'^[\w/\[\]<=]+\s+([a-z]\w*)', (ROOT / name).read_text(), re.MULTILINE
            )
            assert not keywords & set(fields), name
