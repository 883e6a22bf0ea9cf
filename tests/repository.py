"""The repository as its contract tests see it: files that git would commit, package manifests, setup arguments."""

import ast
import subprocess
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]


@cache
def tracked_files() -> tuple[str, ...]:
    """Paths relative to the root of all files that git tracks or would track, without deleted ones."""
    command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(name for name in listed.split('\0') if name and (ROOT / name).is_file()))


def tracked_below(folder: str, suffix: str = '') -> list[str]:
    """Tracked files below `folder` whose name ends in `suffix`."""
    return [f for f in tracked_files() if f.startswith(f'{folder}/') and f.endswith(suffix)]


@cache
def manifests() -> dict[str, ElementTree.Element]:
    """Root element of every package.xml, by the path of its folder relative to the root ('.' for the root)."""
    found = [name for name in tracked_files() if Path(name).name == 'package.xml']
    return {str(Path(name).parent): ElementTree.parse(ROOT / name).getroot() for name in found}


def package_names() -> set[str]:
    """Names of all ROS packages of the repository."""
    return {root.findtext('name', '') for root in manifests().values()}


def dependencies(manifest: ElementTree.Element, kinds: tuple[str, ...]) -> set[str]:
    """Names in the `kinds` of <..._depend> tags of a manifest."""
    return {tag.text or '' for kind in kinds for tag in manifest.iter(kind)}


def imported_modules(file: Path) -> dict[str, int]:
    """Top-level names that `file` imports absolutely, each with the line of its first import."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or '']
        else:
            continue
        for name in names:
            found.setdefault(name.partition('.')[0], node.lineno)
    return found
