"""Shared library `vla_mbpo` and the operator's files; name and version come from package.xml."""

import os
from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages
from setuptools import setup

ROOT = Path(__file__).resolve().parent
manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
name = manifest.findtext('name')


def share_files(folder: str) -> list[tuple[str, list[str]]]:
    """Every file below `folder`, as data files that keep their place below share/<package>."""
    found = []
    for directory, _, files in os.walk(ROOT / folder):
        relative = Path(directory).relative_to(ROOT)
        kept = [str(relative / file) for file in sorted(files) if not file.endswith('.pyc')]
        if kept and '__pycache__' not in relative.parts:
            found.append((f'share/{name}/{relative}', kept))
    return found


setup(
    name=name,
    version=manifest.findtext('version'),
    description=manifest.findtext('description'),
    license='Apache-2.0',
    maintainer='vla-mbpo maintainers',
    maintainer_email='maintainers@vla-mbpo.dev',
    python_requires='>=3.10',
    package_dir={'': 'ros2_ws/src'},
    packages=find_packages('ros2_ws/src', include=['vla_mbpo', 'vla_mbpo.*']),
    package_data={
        'vla_mbpo': ['py.typed'],
        'vla_mbpo.episodes': ['viz_page.html'],
        'vla_mbpo.robots': ['*.yaml'],
        'vla_mbpo.tasks': ['*.yaml'],
    },
    data_files=[
        ('share/ament_index/resource_index/packages', ['ros2_ws/resource/vla_mbpo']),
        (f'share/{name}', ['package.xml']),
        *share_files('launch'),
        *share_files('urdf'),
        *share_files('calibration'),
    ],
    install_requires=[
        'av>=17',
        'numpy>=1.24',
        'opencv-python-headless>=4.9,<5',
        'pyarrow>=14',
        'pydantic>=2.7',
        'PyYAML>=6',
        'rich>=13',
        'tyro>=0.9',
    ],
    extras_require={'test': ['pytest'], 'train': ['torch>=2.4'], 'viz': ['rerun-sdk>=0.26']},
    entry_points={
        'console_scripts': ['vla-mbpo = vla_mbpo.cli.main:main'],
        'vla_mbpo.commands': [
            'dataset = vla_mbpo.cli.dataset:main',
            'robots = vla_mbpo.cli.robots:main',
        ],
    },
    zip_safe=False,
)
