"""What a robot's YAML file holds; `description.RobotDescription` is built from it."""

import math
from dataclasses import dataclass
from typing import Annotated
from typing import Literal

from vla_mbpo.config import setting
from vla_mbpo.robots.tree import Mount
from vla_mbpo.robots.tree import Part
from vla_mbpo.robots.tree import Pose
from vla_mbpo.robots.tree import Vec3

WORLD = 'world'
"""Frame that everything hangs on; not a link of any part."""


@dataclass(frozen=True, kw_only=True)
class GripperSpec:
    """Opening between the fingers; each finger joint travels `opening / len(joints)`."""

    closed_m: float
    open_m: float
    vendor_closed: float
    """Number at the vendor's interface when closed (metres, strokes, ...)."""
    vendor_open: float


@dataclass(frozen=True, kw_only=True)
class BaseSpec:
    """Planar base that takes a body twist (vx, vy, wz)."""

    dims: tuple[str, str, str]
    max_velocity: Vec3
    """m/s, m/s, rad/s."""
    deadband: Vec3


@dataclass(frozen=True, kw_only=True)
class Group:
    """Joints that are commanded together."""

    name: str
    kind: Literal['arm', 'gripper', 'torso', 'base']
    joints: tuple[str, ...]
    command: Literal['position', 'velocity'] = 'position'
    max_rate: Annotated[
        float | tuple[float, ...], setting('Operating speed limit', unit='rad/s, m/s (base: m/s^2)')
    ]
    max_rate_change: Annotated[
        float | tuple[float, ...], setting('Operating acceleration limit', unit='rad/s^2, m/s^2')
    ]
    home: tuple[float, ...]
    """Home pose: one number per joint; one opening for a gripper; empty for a base."""
    enabled: bool = True
    """False: the group is held, not commanded, unless the operator asks for it."""
    gripper: GripperSpec | None = None
    base: BaseSpec | None = None
    tip: str | None = None
    """Tool frame of an arm: x out of the fingers, which move along y."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Colour camera; `origin` is its optical frame (x right, y down, z forward) on link `parent`."""

    name: Literal['head', 'left_wrist', 'right_wrist']
    driver: Literal['realsense', 'zed']
    model: str
    parent: str
    origin: Pose
    width: Annotated[int, setting('Picture width', unit='px', gt=0)]
    height: Annotated[int, setting('Picture height', unit='px', gt=0)]
    rate_hz: Annotated[float, setting('Frame rate', unit='Hz', gt=0)]
    fovy_deg: Annotated[float, setting('Vertical field of view', unit='deg', gt=0, lt=180)]

    @property
    def optical_frame(self) -> str:
        """Name of the frame that its pictures are stamped with."""
        return f'{self.name}_color_optical_frame'

    @property
    def focal_px(self) -> float:
        """Focal length of the nominal pinhole, the same in x and y."""
        return round(self.height / 2 / math.tan(math.radians(self.fovy_deg) / 2), 6)

    @property
    def principal_px(self) -> tuple[float, float]:
        """Centre of the picture, with pixel centres at whole numbers as in OpenCV and ROS."""
        return (self.width - 1) / 2, (self.height - 1) / 2


@dataclass(frozen=True, kw_only=True)
class RobotFile:
    """Top level of `robots/<name>.yaml`."""

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    sources: dict[str, str]
    """Where the numbers come from."""
    unverified: tuple[str, ...] = ()
    """What is assumed or estimated and must be checked on the real robot."""
    gravity_m_s2: float = 9.81
    parts: dict[str, Part]
    mounts: tuple[Mount, ...]
    collision_excludes: tuple[tuple[str, str], ...] = ()
    """Pairs of links that may touch or overlap by construction (parent and child always may)."""
    groups: tuple[Group, ...]
    action: tuple[str, ...]
    """Group names in the order of the action vector."""
    state: tuple[str, ...]
    """Group names in the order of the state vector."""
    cameras: tuple[Camera, ...]
    command_rate_hz: Annotated[float, setting('Rate of safe commands', unit='Hz', ge=1, le=1000)]
    policy_rate_hz: Annotated[float, setting('Rate of policy actions', unit='Hz', ge=1, le=200)]
    record_rate_hz: Annotated[float, setting('Rows per second', unit='Hz', ge=1, le=200)]
    servo_rate_hz: Annotated[float, setting('Rate of the joint loops', unit='Hz', ge=1, le=5000)]
    teleoperators: tuple[str, ...]
    """Kinds of leader device that exist for it."""
