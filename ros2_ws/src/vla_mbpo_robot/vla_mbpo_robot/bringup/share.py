"""Where the files of config/ lie, however the package was installed."""

import os
import sys
from pathlib import Path

from vla_mbpo.errors import VlaMbpoError

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""Folder of package.xml where the code runs from a source tree."""


def config_file(name: str) -> Path:
    """Path of config file `name`; the source tree that the code runs from comes first.

    Raises:
        VlaMbpoError: no place holds it; names the places that were searched.
    """
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    installed = [Path(prefix) / 'share' / 'vla_mbpo_robot' for prefix in prefixes if prefix]
    roots = [PACKAGE_ROOT, *installed]
    for root in roots:
        if (root / 'config' / name).is_file():
            return root / 'config' / name
    searched = ', '.join(str(root / 'config') for root in roots)
    raise VlaMbpoError(f'config file {name} not found; searched: {searched}')
