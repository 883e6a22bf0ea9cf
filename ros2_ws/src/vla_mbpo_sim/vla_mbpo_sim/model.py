"""Robot description to MuJoCo model: bodies, joints, servos, cameras."""

from collections.abc import Mapping
from types import MappingProxyType

import mujoco
import numpy as np

from vla_mbpo.errors import ConfigError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots.description import WORLD
from vla_mbpo.robots.schema import Camera
from vla_mbpo.robots.tree import COLORS
from vla_mbpo.robots.tree import Geometry
from vla_mbpo.robots.tree import Joint
from vla_mbpo.robots.tree import Link
from vla_mbpo_sim import rotations

BASE_GAIN = {'prismatic': 1.0e4, 'continuous': 2.0e3}
"""Force per speed error of a base joint, N s/m and N m s/rad: soft enough not to ring with 2 ms steps."""
BASE_FRICTION = {'prismatic': 50.0, 'continuous': 10.0}
"""Dry friction, N and N m: a base that is told nothing stands still while the arms move."""
BASE_EFFORT = 2.0e3
"""N and N m."""
FRAME_MASS_KG = 1.0e-3
"""Mass of a link without inertial behind a joint; MuJoCo moves no massless body."""
FRAME_INERTIA_KG_M2 = 1.0e-6
_SHAPES = {
    'box': mujoco.mjtGeom.mjGEOM_BOX,
    'sphere': mujoco.mjtGeom.mjGEOM_SPHERE,
    'capsule': mujoco.mjtGeom.mjGEOM_CAPSULE,
    'cylinder': mujoco.mjtGeom.mjGEOM_CYLINDER,
}
_NOTHING_FIXED: Mapping[str, float] = MappingProxyType({})


def build_spec(
    robot: RobotDescription, *, fixed: Mapping[str, float] = _NOTHING_FIXED
) -> mujoco.MjSpec:
    """Model of `robot` without surroundings; bodies, joints, actuators and cameras carry the description's names.

    Args:
        robot: the description.
        fixed: joints (rad, m) that are rigid at a position instead of moving.

    Raises:
        ConfigError: a joint that moves has no servo and belongs to no base.
    """
    spec = _empty_spec(robot)
    wheeled = {name for group in robot.groups if group.base for name in group.joints}
    bodies = {WORLD: spec.worldbody}
    for joint in robot.joints:
        link = robot.link(joint.child)
        body = _add_body(bodies[joint.parent], link, joint, fixed.get(joint.name, 0.0))
        bodies[link.name] = body
        spec.add_exclude(bodyname1=joint.parent, bodyname2=link.name)
        if joint.type == 'fixed' or joint.name in fixed:
            continue
        if joint.name in wheeled:
            _add_base_joint(spec, body, joint)
        else:
            _add_joint(spec, body, joint)
    for first, second in robot.file.collision_excludes:
        spec.add_exclude(bodyname1=first, bodyname2=second)
    for camera in robot.cameras:
        _add_camera(bodies[camera.parent], camera)
    return spec


def _empty_spec(robot: RobotDescription) -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.modelname = robot.name
    spec.compiler.degree = False
    # The vendors' inertias are rounded; MuJoCo would refuse those that break the triangle inequality by a hair.
    spec.compiler.balanceinertia = True
    spec.option.timestep = 1.0 / robot.file.servo_rate_hz
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    spec.option.gravity = [0.0, 0.0, -robot.file.gravity_m_s2]
    spec.visual.quality.offsamples = 0
    spec.visual.quality.shadowsize = 0
    spec.visual.global_.offwidth = max(camera.width for camera in robot.cameras)
    spec.visual.global_.offheight = max(camera.height for camera in robot.cameras)
    return spec


def _add_body(parent: mujoco.MjsBody, link: Link, joint: Joint, position: float) -> mujoco.MjsBody:
    """Body of `link` where `joint` puts it at `position` (rad or m)."""
    offset = np.array(joint.origin.xyz_m)
    turn = rotations.from_rpy(joint.origin.rpy_rad)
    axis = np.array(joint.axis) / np.linalg.norm(joint.axis)
    if joint.type == 'prismatic':
        offset = offset + rotations.rotate(turn, axis * position)
    elif joint.type != 'fixed':
        turn = rotations.multiply(turn, rotations.about_axis(axis, position))
    body = parent.add_body(name=link.name, pos=offset, quat=turn)
    body.gravcomp = 1.0
    body.explicitinertial = True
    if link.inertial is None:
        moves = joint.type != 'fixed'
        body.mass = FRAME_MASS_KG if moves else 0.0
        body.inertia = [FRAME_INERTIA_KG_M2 if moves else 0.0] * 3
    else:
        ixx, ixy, ixz, iyy, iyz, izz = link.inertial.inertia_kg_m2
        body.mass, body.ipos = link.inertial.mass_kg, link.inertial.com_m
        body.fullinertia = [ixx, iyy, izz, ixy, ixz, iyz]
    for index, geometry in enumerate(link.geometry):
        _add_geom(body, f'{link.name}_{index}', geometry)
    return body


def _add_geom(body: mujoco.MjsBody, name: str, geometry: Geometry) -> None:
    collides = int(geometry.collides)
    geom = body.add_geom(
        name=name,
        type=_SHAPES[geometry.shape],
        mass=0.0,
        rgba=[*COLORS[geometry.color], 1.0],
        contype=collides,
        conaffinity=collides,
        condim=4,
    )
    if geometry.center_m is not None:
        geom.pos = geometry.center_m
    if geometry.half_m is not None:
        geom.size = geometry.half_m
    if geometry.radius_m is not None:
        geom.size[0] = geometry.radius_m
    if geometry.from_m is not None and geometry.to_m is not None:
        geom.fromto = [*geometry.from_m, *geometry.to_m]


def _add_joint(spec: mujoco.MjSpec, body: mujoco.MjsBody, joint: Joint) -> None:
    """Joint with its position servo, and the coupling to the joint that it copies."""
    if joint.limit is None or joint.servo is None:
        raise ConfigError(spec.modelname, [f'joint {joint.name!r} needs a limit and a servo'])
    limits = [joint.limit.lower, joint.limit.upper]
    body.add_joint(
        name=joint.name,
        type=_joint_type(joint),
        axis=joint.axis,
        range=limits,
        limited=True,
        armature=joint.servo.armature,
    )
    actuator = spec.add_actuator(
        name=joint.name,
        target=joint.name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        ctrllimited=True,
        ctrlrange=limits,
        forcelimited=True,
        forcerange=[-joint.limit.effort, joint.limit.effort],
    )
    actuator.set_to_position(kp=joint.servo.kp, kv=joint.servo.kd)
    if joint.mimic is not None:
        coupling = spec.add_equality(
            type=mujoco.mjtEq.mjEQ_JOINT,
            objtype=mujoco.mjtObj.mjOBJ_JOINT,
            name1=joint.name,
            name2=joint.mimic,
        )
        coupling.data[:2] = [0.0, 1.0]


def _add_base_joint(spec: mujoco.MjSpec, body: mujoco.MjsBody, joint: Joint) -> None:
    """One degree of freedom of a planar base, with a speed servo."""
    body.add_joint(
        name=joint.name,
        type=_joint_type(joint),
        axis=joint.axis,
        frictionloss=BASE_FRICTION[joint.type],
    )
    actuator = spec.add_actuator(
        name=joint.name,
        target=joint.name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        forcelimited=True,
        forcerange=[-BASE_EFFORT, BASE_EFFORT],
    )
    actuator.set_to_velocity(kv=BASE_GAIN[joint.type])


def _joint_type(joint: Joint) -> mujoco.mjtJoint:
    slides = joint.type == 'prismatic'
    return mujoco.mjtJoint.mjJNT_SLIDE if slides else mujoco.mjtJoint.mjJNT_HINGE


def _add_camera(parent: mujoco.MjsBody, camera: Camera) -> None:
    """MuJoCo's cameras look along -z with +y up: the optical frame turned by pi about x."""
    half_turn = np.array([0.0, 1.0, 0.0, 0.0])
    parent.add_camera(
        name=camera.name,
        pos=camera.origin.xyz_m,
        quat=rotations.multiply(rotations.from_rpy(camera.origin.rpy_rad), half_turn),
        fovy=camera.fovy_deg,
    )
