"""Where installed share files (launch/, urdf/, calibration/) lie, however the package was installed."""

import os
import sys
from pathlib import Path

from vla_mbpo.errors import VlaMbpoError

PACKAGE = 'vla_mbpo'
REPOSITORY_ROOT = Path(__file__).resolve().parents[3]


def share_roots() -> list[Path]:
    """Folders that may hold share files: sourced workspaces, the Python prefix, then a source tree."""
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    roots = [Path(prefix) / 'share' / PACKAGE for prefix in [*prefixes, sys.prefix]]
    return [*roots, REPOSITORY_ROOT]


def share_path(relative: str) -> Path:
    """Path of share file `relative`, for example 'urdf/arx_x5/arx_x5.urdf'.

    Raises:
        VlaMbpoError: if no root holds it; names the places that were searched.
    """
    roots = share_roots()
    for root in roots:
        if (root / relative).exists():
            return root / relative
    searched = ', '.join(str(root) for root in roots)
    raise VlaMbpoError(f'share file {relative} not found; searched: {searched}')
