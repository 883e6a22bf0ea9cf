"""URDF text of a robot description: same names, same numbers, deterministic."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import SubElement

import numpy as np

from vla_mbpo.robots.description import WORLD
from vla_mbpo.robots.description import RobotDescription
from vla_mbpo.robots.schema import Camera
from vla_mbpo.robots.tree import COLORS
from vla_mbpo.robots.tree import Geometry
from vla_mbpo.robots.tree import Inertial
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Link
from vla_mbpo.robots.tree import Pose
from vla_mbpo.robots.tree import Vec3

_INERTIA_NAMES = ('ixx', 'ixy', 'ixz', 'iyy', 'iyz', 'izz')


def to_urdf(robot: RobotDescription) -> str:
    """URDF of `robot`: world link, mounts, inertials, primitives, limits, mimics and camera frames.

    A capsule becomes a cylinder with two spheres, which is what URDF parsers agree on. Lengths in m, angles in rad.
    """
    root = Element('robot', name=robot.name)
    for name, rgb in COLORS.items():
        material = SubElement(root, 'material', name=name)
        SubElement(material, 'color', rgba=_numbers((*rgb, 1.0)))
    SubElement(root, 'link', name=WORLD)
    for link in robot.links:
        _add_link(root, link)
    for joint in robot.joints:
        _add_joint(root, joint)
    for camera in robot.cameras:
        _add_camera(root, camera)
    ElementTree.indent(root)
    note = f'<!-- Generated from robots/{robot.name}.yaml by the command in urdf/README.md. -->'
    body = ElementTree.tostring(root, encoding='unicode')
    return f'<?xml version="1.0"?>\n{note}\n{body}\n'


def write_urdf(robot: RobotDescription, folder: Path) -> Path:
    """Write `<folder>/<robot>/<robot>.urdf` and return its path."""
    path = folder / robot.name / f'{robot.name}.urdf'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_urdf(robot), encoding='utf-8')
    return path


def _add_link(root: Element, link: Link) -> None:
    element = SubElement(root, 'link', name=link.name)
    if link.inertial is not None:
        _add_inertial(element, link.inertial)
    for geometry in link.geometry:
        for shape in _shapes(geometry):
            _add_shape(element, 'visual', shape, material=geometry.color)
            if geometry.collides:
                _add_shape(element, 'collision', shape)


def _add_inertial(link: Element, inertial: Inertial) -> None:
    element = SubElement(link, 'inertial')
    _add_origin(element, Pose(xyz_m=inertial.com_m))
    SubElement(element, 'mass', value=_number(inertial.mass_kg))
    values = zip(_INERTIA_NAMES, inertial.inertia_kg_m2, strict=True)
    SubElement(element, 'inertia', {name: _number(value) for name, value in values})


def _add_joint(root: Element, joint: Joint) -> None:
    element = SubElement(root, 'joint', name=joint.name, type=joint.type)
    _add_origin(element, joint.origin)
    SubElement(element, 'parent', link=joint.parent)
    SubElement(element, 'child', link=joint.child)
    if joint.type != 'fixed':
        SubElement(element, 'axis', xyz=_numbers(joint.axis))
    if joint.limit is not None:
        limit = joint.limit
        named = {'lower': limit.lower, 'upper': limit.upper}
        named |= {'effort': limit.effort, 'velocity': limit.velocity}
        SubElement(element, 'limit', {name: _number(value) for name, value in named.items()})
    if joint.mimic is not None:
        SubElement(element, 'mimic', joint=joint.mimic)


def _add_camera(root: Element, camera: Camera) -> None:
    SubElement(root, 'link', name=camera.optical_frame)
    _add_joint(
        root,
        Joint(
            name=f'{camera.name}_camera_mount',
            type='fixed',
            parent=camera.parent,
            child=camera.optical_frame,
            origin=camera.origin,
        ),
    )


_Shape = tuple[str, dict[str, str], Pose]
"""Tag, attributes and pose of one URDF geometry."""


def _shapes(geometry: Geometry) -> Iterator[_Shape]:
    if geometry.center_m is not None and geometry.half_m is not None:
        size = _numbers(tuple(2 * value for value in geometry.half_m))
        yield 'box', {'size': size}, Pose(xyz_m=geometry.center_m)
        return
    assert geometry.radius_m is not None
    radius = {'radius': _number(geometry.radius_m)}
    if geometry.center_m is not None:
        yield 'sphere', radius, Pose(xyz_m=geometry.center_m)
        return
    assert geometry.from_m is not None
    assert geometry.to_m is not None
    start, end = np.array(geometry.from_m), np.array(geometry.to_m)
    length = _number(float(np.linalg.norm(end - start)))
    yield 'cylinder', {**radius, 'length': length}, _axis_pose(start, end)
    if geometry.shape == 'capsule':
        yield 'sphere', radius, Pose(xyz_m=geometry.from_m)
        yield 'sphere', radius, Pose(xyz_m=geometry.to_m)


def _axis_pose(start: np.ndarray, end: np.ndarray) -> Pose:
    """Middle of the segment, with z along it (URDF cylinders lie along z)."""
    x, y, z = (end - start).tolist()
    tilt, turn = float(np.arctan2(np.hypot(x, y), z)), float(np.arctan2(y, x))
    middle: Vec3 = tuple(((start + end) / 2).tolist())
    return Pose(xyz_m=middle, rpy_rad=(0.0, tilt, turn))


def _add_shape(link: Element, use: str, shape: _Shape, *, material: str = '') -> None:
    tag, attributes, pose = shape
    element = SubElement(link, use)
    _add_origin(element, pose)
    SubElement(SubElement(element, 'geometry'), tag, attributes)
    if material:
        SubElement(element, 'material', name=material)


def _add_origin(element: Element, pose: Pose) -> None:
    SubElement(element, 'origin', xyz=_numbers(pose.xyz_m), rpy=_numbers(pose.rpy_rad))


def _numbers(values: tuple[float, ...]) -> str:
    return ' '.join(_number(value) for value in values)


def _number(value: float) -> str:
    """Twelve significant digits: far below a nanometre, and the same on every machine."""
    return f'{value + 0.0:.12g}'
