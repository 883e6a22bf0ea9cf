"""Joint trees: links, joints, primitive geometry. Conventions of URDF, units SI and radians."""

from dataclasses import dataclass
from typing import Annotated
from typing import Literal

from vla_mbpo.config import setting

Vec3 = tuple[float, float, float]

COLORS: dict[str, Vec3] = {
    'light': (0.86, 0.87, 0.88),
    'dark': (0.18, 0.19, 0.21),
    'accent': (0.95, 0.45, 0.10),
}
"""Red, green, blue in 0..1 of `Geometry.color`."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Child frame in its parent frame; `rpy_rad` are rotations about the fixed axes x, y, z."""

    xyz_m: Vec3 = (0.0, 0.0, 0.0)
    rpy_rad: Vec3 = (0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Inertial:
    """Mass and inertia of one link about its centre of mass, axes of the link frame."""

    mass_kg: Annotated[float, setting('Mass of the link', unit='kg', gt=0)]
    com_m: Vec3
    inertia_kg_m2: tuple[float, float, float, float, float, float]
    """ixx, ixy, ixz, iyy, iyz, izz (URDF's order)."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """One primitive of a link, for collision and for the twin's pictures.

    box: `center_m`, `half_m`. sphere: `center_m`, `radius_m`. capsule, cylinder: axis `from_m` to `to_m`, `radius_m`.
    """

    shape: Literal['box', 'sphere', 'capsule', 'cylinder']
    center_m: Vec3 | None = None
    half_m: Vec3 | None = None
    from_m: Vec3 | None = None
    to_m: Vec3 | None = None
    radius_m: float | None = None
    color: Literal['light', 'dark', 'accent'] = 'light'
    collides: bool = True

    def __post_init__(self) -> None:
        wanted = {
            'box': ('center_m', 'half_m'),
            'sphere': ('center_m', 'radius_m'),
            'capsule': ('from_m', 'to_m', 'radius_m'),
            'cylinder': ('from_m', 'to_m', 'radius_m'),
        }[self.shape]
        sizes = ('center_m', 'half_m', 'from_m', 'to_m', 'radius_m')
        given = tuple(name for name in sizes if getattr(self, name) is not None)
        if set(given) != set(wanted):
            raise ValueError(f'{self.shape} takes {", ".join(wanted)}; got {", ".join(given)}')


@dataclass(frozen=True, kw_only=True)
class Link:
    """Rigid body. A frame without mass has no `inertial`."""

    name: str
    inertial: Inertial | None = None
    geometry: tuple[Geometry, ...] = ()


@dataclass(frozen=True, kw_only=True)
class JointLimit:
    """What the vendor enforces at run time; position in rad or m, effort in N m or N."""

    lower: float
    upper: float
    velocity: Annotated[float, setting('Greatest speed', unit='rad/s or m/s', gt=0)]
    effort: Annotated[float, setting('Greatest torque or force', unit='N m or N', gt=0)]

    def __post_init__(self) -> None:
        if self.lower >= self.upper:
            raise ValueError(f'lower {self.lower} must be below upper {self.upper}')


@dataclass(frozen=True, kw_only=True)
class Servo:
    """Gains of the joint's own position loop: torque = kp (target - q) - kd dq."""

    kp: Annotated[float, setting('Stiffness', unit='N m/rad or N/m', ge=0)]
    kd: Annotated[float, setting('Damping', unit='N m s/rad or N s/m', ge=0)]
    armature: Annotated[
        float, setting('Motor inertia seen at the joint', unit='kg m^2 or kg', ge=0)
    ] = 0.0


@dataclass(frozen=True, kw_only=True)
class Joint:
    """Joint from `parent` link to `child` link; the axis is given in the child frame."""

    name: str
    type: Literal['revolute', 'continuous', 'prismatic', 'fixed']
    parent: str
    child: str
    origin: Pose = Pose()
    axis: Vec3 = (0.0, 0.0, 1.0)
    limit: JointLimit | None = None
    servo: Servo | None = None
    mimic: str | None = None
    """Name of the joint that this one copies one to one."""

    def __post_init__(self) -> None:
        if self.type in {'revolute', 'prismatic'} and self.limit is None:
            raise ValueError(f'joint {self.name}: a {self.type} joint needs a limit')


@dataclass(frozen=True, kw_only=True)
class Part:
    """A joint tree that a robot uses once or several times (`Mount`)."""

    root: str
    links: tuple[Link, ...]
    joints: tuple[Joint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One use of a part: its names get `prefix`, its root hangs at `origin` on `parent`."""

    part: str
    prefix: str = ''
    parent: str = 'world'
    origin: Pose = Pose()
