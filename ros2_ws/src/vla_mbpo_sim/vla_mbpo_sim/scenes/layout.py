"""Where table and objects stand in front of each robot."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources import files
from typing import Annotated

from vla_mbpo.config import load
from vla_mbpo.config import setting
from vla_mbpo.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Region:
    """Rectangle on the table, in the world."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Box with a flat top."""

    top_m: Annotated[float, setting('Height of the top in the world', unit='m')]
    center_m: tuple[float, float]
    half_m: tuple[float, float]
    thickness_m: Annotated[float, setting('Thickness of the top', unit='m', gt=0)] = 0.04


@dataclass(frozen=True, kw_only=True)
class GraspStyle:
    """How the arm likes to take a cup: the first combination that it can reach is used."""

    pitch_rad: tuple[float, ...]
    """Downward tilts of the tool, 0 is level."""
    yaw_rad: tuple[float, ...]
    """Headings of the tool relative to the line from shoulder to cup, for a left arm; mirrored for a right one."""
    depth_m: Annotated[float, setting('How far the tip goes past the axis of the cup', unit='m')]
    height_m: Annotated[float, setting('Height of the tip above the table', unit='m', gt=0)]


@dataclass(frozen=True, kw_only=True)
class TabletopLayout:
    """Table-top scene of one robot."""

    floor_m: Annotated[float, setting('Height of the floor in the world', unit='m')]
    table: Table
    regions: dict[str, Region]
    distractor_at_m: tuple[tuple[float, float], ...]
    """Where a distractor may stand; the place farthest from the cup is taken."""
    grasp: GraspStyle


@dataclass(frozen=True, kw_only=True)
class _LayoutFile:
    robots: dict[str, TabletopLayout]


def tabletop_layout(robot: str) -> TabletopLayout:
    """Layout for robot `robot`.

    Raises:
        UnknownNameError: no layout is written for it; lists the robots that have one.
    """
    layouts = _read().robots
    if robot not in layouts:
        raise UnknownNameError('robot', robot, known=layouts, where='scenes/tabletop.yaml')
    return layouts[robot]


@cache
def _read() -> _LayoutFile:
    with as_file(files('vla_mbpo_sim.scenes') / 'tabletop.yaml') as path:
        return load(_LayoutFile, path)
