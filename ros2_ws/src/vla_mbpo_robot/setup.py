"""ROS 2 nodes and bring-up; name and version come from package.xml."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages
from setuptools import setup

ROOT = Path(__file__).resolve().parent
manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
name = manifest.findtext('name')

NODES = (
    'twin',
    'robot_driver',
    'camera',
    'teleop',
    'command_gate',
    'episode_recorder',
    'black_box',
    'session',
)

setup(
    name=name,
    version=manifest.findtext('version'),
    description=manifest.findtext('description'),
    license='Apache-2.0',
    maintainer='vla-mbpo maintainers',
    maintainer_email='maintainers@vla-mbpo.dev',
    python_requires='>=3.10',
    packages=find_packages(include=[name, f'{name}.*']),
    package_data={name: ['py.typed']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{name}']),
        (f'share/{name}', ['package.xml']),
        (f'share/{name}/config', sorted(str(f.relative_to(ROOT)) for f in ROOT.glob('config/*'))),
    ],
    install_requires=[
        'mcap>=1.2',
        'numpy>=1.24',
        'opencv-python-headless>=4.9,<5',
        'psutil>=5.9',
        'PyYAML>=6',
        'rich>=13',
        'tyro>=0.9',
        'vla_mbpo',
    ],
    extras_require={'test': ['pytest'], 'twin': ['vla_mbpo_sim']},
    entry_points={
        'console_scripts': [f'{node} = {name}.nodes.{node}:main' for node in NODES],
        'vla_mbpo.commands': [f'up = {name}.cli.up:main', f'demo = {name}.cli.demo:main'],
    },
    zip_safe=False,
)
