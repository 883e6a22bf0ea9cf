"""Pick a cup up from the table."""

from dataclasses import dataclass

import mujoco
import numpy as np

from vla_mbpo.config import from_mapping
from vla_mbpo.episodes.schema import Vector
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.robots import RobotDescription
from vla_mbpo_sim.rotations import to_xyzw
from vla_mbpo_sim.scenes.layout import TabletopLayout
from vla_mbpo_sim.scenes.layout import tabletop_layout
from vla_mbpo_sim.scenes.scene import ObjectPose
from vla_mbpo_sim.scenes.scene import SceneSettings
from vla_mbpo_sim.scenes.surroundings import TABLE_COLORS
from vla_mbpo_sim.scenes.surroundings import TABLE_TOP
from vla_mbpo_sim.scenes.surroundings import add_room
from vla_mbpo_sim.scenes.surroundings import add_table

CUP = 'cup'
CUP_RADIUS_M = 0.03
CUP_HEIGHT_M = 0.08
CUP_MASS_KG = 0.06
LIFT_M = 0.05
"""Success: the bottom of the cup is this far above the table, between two fingers of one hand."""
CUP_COLORS = {
    'red': (0.82, 0.22, 0.20, 1.0),
    'blue': (0.20, 0.42, 0.75, 1.0),
    'green': (0.25, 0.62, 0.38, 1.0),
    'purple': (0.52, 0.30, 0.66, 1.0),
    'yellow': (0.95, 0.78, 0.24, 1.0),
    'white': (0.95, 0.95, 0.93, 1.0),
}
NO_DISTRACTOR = 'none'
BOWL = 'bowl'
DISTRACTORS = (BOWL,)
_PARKED_M = (0.0, 0.0, -5.0)
"""Where a distractor that is not in use lies, out of every camera's sight below the floor."""


@dataclass(frozen=True, kw_only=True)
class PickCupSettings:
    """What `Condition.scene` may say for this task."""

    cup_color: str
    table_color: str
    region: str
    distractor: str


class PickCup:
    """A cup of 60 x 80 mm that stands somewhere in the region; perhaps a distractor behind it."""

    name = 'pick_cup'

    def __init__(self, robot: RobotDescription) -> None:
        self._layout = tabletop_layout(robot.name)
        self._hands = [
            frozenset(robot.joint(joint).child for joint in group.joints)
            for group in robot.groups
            if group.kind == 'gripper'
        ]

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add room, table, cup and the distractors that conditions may call for."""
        add_room(spec, self._layout.floor_m)
        add_table(spec, self._layout)
        _add_cup(spec)
        _add_distractors(spec)

    def reset(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        rng: np.random.Generator,
        settings: SceneSettings,
    ) -> None:
        """Stand the cup at a random place of the region, turned at random; see `TaskScene.reset`."""
        wanted = parse_settings(settings, self._layout)
        region = self._layout.regions[wanted.region]
        xy = np.array([rng.uniform(*region.x_m), rng.uniform(*region.y_m)])
        yaw = rng.uniform(-np.pi, np.pi)
        model.geom(CUP).rgba = CUP_COLORS[wanted.cup_color]
        model.geom(TABLE_TOP).rgba = TABLE_COLORS[wanted.table_color]
        for distractor in DISTRACTORS:
            used = distractor == wanted.distractor
            model.body(distractor).pos = self._distractor_place(xy) if used else _PARKED_M
        height = self._layout.table.top_m + CUP_HEIGHT_M / 2
        start = model.joint(CUP).qposadr[0]
        data.qpos[start : start + 7] = [*xy, height, np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]

    def success(self, model: mujoco.MjModel, data: mujoco.MjData) -> bool:
        """True if the cup hangs in the air between both fingers of one hand."""
        bottom = float(data.body(CUP).xpos[2]) - CUP_HEIGHT_M / 2
        if bottom < self._layout.table.top_m + LIFT_M:
            return False
        touching = _bodies_touching(model, data, model.geom(CUP).id)
        return any(hand <= touching for hand in self._hands)

    def objects(self, model: mujoco.MjModel, data: mujoco.MjData) -> dict[str, ObjectPose]:
        """The cup; its origin is at half height."""
        start = model.joint(CUP).qposadr[0]
        x, y, z, *quaternion = data.qpos[start : start + 7].tolist()
        qx, qy, qz, qw = to_xyzw(np.array(quaternion)).tolist()
        return {CUP: ObjectPose(xyz_m=(x, y, z), quaternion_xyzw=(qx, qy, qz, qw))}

    def _distractor_place(self, cup_xy: Vector) -> Vector:
        places = np.array(self._layout.distractor_at_m)
        farthest = np.argmax(np.linalg.norm(places - cup_xy, axis=1))
        return np.array([*places[farthest], self._layout.table.top_m])


def parse_settings(settings: SceneSettings, layout: TabletopLayout) -> PickCupSettings:
    """Strict reading of `Condition.scene`.

    Raises:
        ConfigError: unknown key or wrong type.
        UnknownNameError: a colour, region or distractor that does not exist; lists those that do.
    """
    wanted = from_mapping(PickCupSettings, dict(settings), source='scene of pick_cup')
    for kind, name, known in (
        ('cup_color', wanted.cup_color, CUP_COLORS),
        ('table_color', wanted.table_color, TABLE_COLORS),
        ('region', wanted.region, layout.regions),
        ('distractor', wanted.distractor, (NO_DISTRACTOR, *DISTRACTORS)),
    ):
        if name not in known:
            raise UnknownNameError(kind, name, known=known, where='scene of pick_cup')
    return wanted


def _bodies_touching(model: mujoco.MjModel, data: mujoco.MjData, geom: int) -> set[str]:
    pairs = data.contact.geom
    partners = pairs[(pairs == geom).any(axis=1)]
    bodies = model.geom_bodyid[partners[partners != geom]]
    return {model.body(int(body)).name for body in bodies}


def _add_cup(spec: mujoco.MjSpec) -> None:
    body = spec.worldbody.add_body(name=CUP)
    body.add_freejoint(name=CUP)
    body.add_geom(
        name=CUP,
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[CUP_RADIUS_M, CUP_HEIGHT_M / 2, 0.0],
        mass=CUP_MASS_KG,
        friction=[1.5, 0.02, 0.001],
        condim=4,
        rgba=CUP_COLORS['white'],
    )
    # Seen from above the inside is dark; it is only a picture, the cup is solid.
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        pos=[0.0, 0.0, CUP_HEIGHT_M / 2],
        size=[0.85 * CUP_RADIUS_M, 0.0008, 0.0],
        mass=0.0,
        rgba=[0.30, 0.26, 0.24, 1.0],
        contype=0,
        conaffinity=0,
    )


def _add_distractors(spec: mujoco.MjSpec) -> None:
    """Heavy things that stand where `reset` puts them; their origin is at the bottom."""
    bowl = spec.worldbody.add_body(name=BOWL, pos=_PARKED_M)
    for bottom, top, radius, color in (
        (0.0, 0.02, 0.04, (0.86, 0.84, 0.78, 1.0)),
        (0.02, 0.055, 0.07, (0.86, 0.84, 0.78, 1.0)),
        (0.055, 0.056, 0.06, (0.45, 0.43, 0.40, 1.0)),
    ):
        bowl.add_geom(
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            fromto=[0.0, 0.0, bottom, 0.0, 0.0, top],
            size=[radius, 0.0, 0.0],
            rgba=color,
        )
