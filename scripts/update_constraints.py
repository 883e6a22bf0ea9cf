"""Write constraints.txt: what pip resolves today for every supported Python, as exact versions.

Each Python of `PYTHONS` gets a fresh environment in a temporary folder, so a run takes about a minute per Python.
Use: scripts/update_constraints.py, then `make test`.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ('3.11', '3.12', '3.13')
REQUIREMENTS = ('requirements/ros.txt', 'requirements/dev.txt')
PACKAGES = ('.', 'ros2_ws/src/vla_mbpo_sim', 'ros2_ws/src/vla_mbpo_robot')
HEADER = """\
# Exact versions of everything that set-up installs, dependencies of dependencies included.
# Regenerate: scripts/update_constraints.py (fresh environments of Python {pythons}), then `make test`.
# torch and rerun-sdk are pinned here and installed only by what needs them.
rerun-sdk==0.26.2
torch==2.13.0
"""
# The ros-* wheels carry the metadata of further names inside; only what pip itself installed is an index name.
FREEZE = """
import json
from importlib.metadata import distributions
found = {}
for d in distributions():
    if (d.read_text('INSTALLER') or '').strip() == 'pip':
        found[d.metadata['Name'].lower().replace('_', '-')] = d.version
print(json.dumps(found))
"""


def resolve(python: str, folder: Path) -> dict[str, str]:
    """Version per distribution name after installing everything with `python` into `folder`."""
    subprocess.run([f'python{python}', '-m', 'venv', str(folder)], check=True)
    interpreter = str(folder / 'bin/python')
    pip = [interpreter, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    files = [word for file in REQUIREMENTS for word in ('-r', str(ROOT / file))]
    subprocess.run([*pip, *files], check=True)
    packages = [word for package in PACKAGES for word in ('-e', str(ROOT / package))]
    subprocess.run([*pip, '--use-pep517', '--no-build-isolation', *packages], check=True)
    frozen = subprocess.run([interpreter, '-c', FREEZE], check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(frozen.stdout)
    own = {
        'pip',
        'rerun-sdk',
        'torch',
        'vla-mbpo',
        'vla-mbpo-sim',
        'vla-mbpo-robot',
        'vla-mbpo-msgs',
    }
    return {name: version for name, version in versions.items() if name not in own}


def merge(resolved: dict[str, dict[str, str]]) -> list[str]:
    """Constraint lines; versions that differ between Pythons get a marker each."""
    pythons_of: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for python, versions in resolved.items():
        for name, version in versions.items():
            pythons_of[name][version].append(python)
    lines = []
    for name, found in sorted(pythons_of.items()):
        for version, pythons in sorted(found.items()):
            marker = ' or '.join(f'python_version == "{python}"' for python in pythons)
            lines.append(f'{name}=={version}' + ('' if len(found) == 1 else f'; {marker}'))
    return lines


def main() -> None:
    """Resolve for every Python, then replace constraints.txt."""
    resolved = {}
    for python in sys.argv[1:] or PYTHONS:
        with tempfile.TemporaryDirectory(prefix='vla-mbpo-constraints-') as folder:
            resolved[python] = resolve(python, Path(folder))
        print(f'Python {python}: {len(resolved[python])} distributions')
    text = HEADER.format(pythons=', '.join(resolved)) + '\n'.join(merge(resolved)) + '\n'
    (ROOT / 'constraints.txt').write_text(text)


if __name__ == '__main__':
    main()
