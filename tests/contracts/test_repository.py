"""What must hold for the tracked files as a whole."""

import re
from pathlib import Path

import pytest
from repository import ROOT
from repository import tracked_files

# Split, so that this file does not contain what it forbids.
FORBIDDEN = {
    'a path of one machine': re.compile(r'(?<![\w.~])/(?:root|work|home/\w+)' + r'/'),
    'a bind address that is open to the network': re.compile(r'\b0\.0' + r'\.0\.0\b'),
    'a package index': re.compile(
        r'--(?:extra-)?index' + r'-url|--find' + r'-links|pypi\.' + r'org/simple'
    ),
    'an import of pickle': re.compile(
        r'^\s*(?:import|from)\s+(?:cPickle|c?pickle|dill|cloudpickle)\b', re.M
    ),
    'unsafe loading of tensors': re.compile(r'\btorch' + r'\.load\('),
    'an installation of an unrelated package': re.compile(r'pip install[^\n]*py' + r'zed'),
}
LINK = re.compile(r'(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+"[^"]*")?\)|!\[[^\]]*\]\(([^)\s]+)\)')
BINARY = {'.png', '.jpg', '.gif', '.stl', '.mp4', '.parquet', '.npz'}


def texts() -> dict[str, str]:
    """Text of every tracked file that is text."""
    names = [name for name in tracked_files() if Path(name).suffix not in BINARY]
    return {name: (ROOT / name).read_text(encoding='utf-8') for name in names}


@pytest.mark.parametrize('what', FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    pattern = FORBIDDEN[what]
    found = [
        f'{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group().strip()}'
        for name, text in texts().items()
        for match in pattern.finditer(text)
    ]
    assert not found, f'{what}: {found}'


def test_readme_fits_on_200_lines() -> None:
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 200


def test_changelog_begins_with_unreleased_changes() -> None:
    headings = re.findall(r'^## (.*)$', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)
    assert headings
    assert headings[0].strip('[]').startswith('Unreleased')


def test_licence_is_the_whole_apache_2_text() -> None:
    text = (ROOT / 'LICENSE').read_text()
    assert 'Apache License\n' in text
    assert 'END OF TERMS AND CONDITIONS' in text
    assert len(text.splitlines()) > 190


@pytest.mark.parametrize('document', [f for f in tracked_files() if f.endswith('.md')])
def test_relative_links_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    links = [a or b for a, b in LINK.findall((ROOT / document).read_text())]
    local = [link.partition('#')[0] for link in links if not re.match(r'[a-z]+:', link)]
    assert not [link for link in local if link and not (folder / link).exists()]


def test_every_package_is_marked_as_typed() -> None:
    for package in ('vla_mbpo', 'vla_mbpo_sim/vla_mbpo_sim', 'vla_mbpo_robot/vla_mbpo_robot'):
        assert f'ros2_ws/src/{package}/py.typed' in tracked_files()


def test_launch_folder_is_no_python_package() -> None:
    """With an __init__.py it would hide ROS's own module `launch` from programs started in the root."""
    assert 'launch/__init__.py' not in tracked_files()


def test_root_has_no_project_table() -> None:
    """With one, colcon renames the root package or drops it in silence."""
    assert not re.search(r'^\[project\b', (ROOT / 'pyproject.toml').read_text(), re.MULTILINE)


def test_make_targets_are_one_line_each_and_ci_runs_them() -> None:
    rules = re.findall(
        r'^(\w+):[^\n]*\n((?:\t[^\n]*\n?)*)', (ROOT / 'Makefile').read_text(), re.MULTILINE
    )
    assert {'setup', 'demo', 'test', 'lint', 'bench', 'clean'} <= {name for name, _ in rules}
    assert all(len(body.splitlines()) == 1 for _, body in rules)
    assert (ROOT / '.ci/run').read_text().splitlines()[-1] == 'exec make test'


@pytest.mark.parametrize(
    'script', [f for f in tracked_files() if f.endswith('.sh') or f == '.ci/run']
)
def test_shell_scripts_are_executable_and_stop_at_errors(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
    assert '\nset -euo pipefail\n' in (ROOT / script).read_text()
