"""Identity of the calibration that a robot is used with."""

import hashlib

from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.paths import share_path


def calibration_hash(robot: str) -> str:
    """SHA-256 over names and contents of calibration/<robot>/*.yaml, in the order of their names.

    Raises:
        VlaMbpoError: there is no calibration for the robot.
    """
    folder = share_path(f'calibration/{robot}')
    files = sorted(folder.glob('*.yaml'))
    if not files:
        raise VlaMbpoError(f'{folder} holds no calibration; expected *.yaml files')
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f'{file.name} {len(content)}\n'.encode())
        digest.update(content)
    return digest.hexdigest()
