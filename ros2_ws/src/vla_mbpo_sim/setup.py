"""MuJoCo twin; name and version come from package.xml."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages
from setuptools import setup

manifest = ElementTree.parse(Path(__file__).resolve().parent / 'package.xml').getroot()
name = manifest.findtext('name')

setup(
    name=name,
    version=manifest.findtext('version'),
    description=manifest.findtext('description'),
    license='Apache-2.0',
    maintainer='vla-mbpo maintainers',
    maintainer_email='maintainers@vla-mbpo.dev',
    python_requires='>=3.10',
    packages=find_packages(include=[name, f'{name}.*']),
    package_data={name: ['py.typed', 'scenes/*.yaml']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{name}']),
        (f'share/{name}', ['package.xml']),
    ],
    install_requires=['daqp>=0.5', 'mink>=1.0', 'mujoco>=4.0', 'numpy>=1.24', 'vla_mbpo'],
    extras_require={'test': ['pytest']},
    entry_points={},
    zip_safe=False,
)
