"""Scripted expert for `pick_cup`: reach, close, lift, hold, with the arm that stands nearest."""

from collections.abc import Iterator
from collections.abc import Mapping

import mink
import numpy as np

from vla_mbpo.episodes.schema import Vector
from vla_mbpo.errors import UnknownNameError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.robots.schema import Group
from vla_mbpo_sim.experts.arm import Arm
from vla_mbpo_sim.experts.arm import gripper_of
from vla_mbpo_sim.experts.arm import moved
from vla_mbpo_sim.experts.arm import straight
from vla_mbpo_sim.experts.arm import tool_pose
from vla_mbpo_sim.experts.errors import UnreachableError
from vla_mbpo_sim.experts.motion import Motion
from vla_mbpo_sim.experts.motion import Segment
from vla_mbpo_sim.experts.motion import timed
from vla_mbpo_sim.scenes import ObjectPose
from vla_mbpo_sim.scenes.layout import tabletop_layout
from vla_mbpo_sim.scenes.pick_cup import CUP
from vla_mbpo_sim.scenes.pick_cup import CUP_RADIUS_M

STEP_M = 0.015
"""Spacing of the points at which a straight way of the tool is solved."""
SQUEEZE = 0.5
"""Opening to close to, as a part of the cup's diameter: the servo then presses."""
CLOSE_S = 0.5
HOLD_S = 0.6
LAG_RAD = 0.3
"""The plan waits while a joint is this far behind it."""
SPEED = (0.5, 0.7)
RETREAT_M = (0.08, 0.11)
LIFT_M = (0.10, 0.13)
HEIGHT_JITTER_M = 0.004
YAW_JITTER_RAD = 0.05


class PickCupExpert:
    """Plans a whole episode at `reset` and plays it; speed, tilt and way differ from episode to episode.

    Args:
        robot: a robot that the scene has a layout for.
        seed: of the variation between episodes.
    """

    def __init__(self, robot: RobotDescription, seed: int) -> None:
        self._robot = robot
        self._style = tabletop_layout(robot.name).grasp
        self._table_m = tabletop_layout(robot.name).table.top_m
        self._rng = np.random.default_rng(seed)
        self._motion: Motion | None = None
        self._watched = np.zeros(0, dtype=np.intp)
        self._phase_s = 0.0
        self._last_s = 0.0

    def reset(self, state: Vector, objects: Mapping[str, ObjectPose], time_s: float) -> None:
        """See `ScriptedExpert.reset`."""
        self._robot.state.check(state, 'state')
        if CUP not in objects:
            raise UnknownNameError('object', CUP, known=objects, where='the scene')
        cup_m = np.array(objects[CUP].xyz_m)
        arms = [
            Arm(self._robot, group, state) for group in self._robot.groups if group.kind == 'arm'
        ]
        arms.sort(key=lambda arm: float(np.linalg.norm(arm.shoulder_m[:2] - cup_m[:2])))
        speed = self._rng.uniform(*SPEED)
        for arm in arms:
            segments = self._segments(arm, state, cup_m)
            if segments is not None:
                self._motion = timed(segments, self._robot.action, speed)
                self._watch(arm.group)
                self._phase_s, self._last_s = 0.0, time_s
                return
        shown = ', '.join(f'{value:.3f}' for value in cup_m)
        raise UnreachableError(f'{self._robot.name}: no arm can take the cup at ({shown}) m')

    def act(self, state: Vector, time_s: float) -> Vector:
        """See `ScriptedExpert.act`."""
        motion = self._planned()
        target = motion.at(self._phase_s)
        names = self._robot.action.names
        behind = max(
            abs(target[i] - state[self._robot.state.index(names[i])]) for i in self._watched
        )
        if behind < LAG_RAD:
            self._phase_s += max(0.0, time_s - self._last_s)
        self._last_s = time_s
        return motion.at(self._phase_s)

    def is_done(self, time_s: float) -> bool:
        """See `ScriptedExpert.is_done`."""
        waiting_s = max(0.0, time_s - self._last_s)
        return self._phase_s + waiting_s >= self._planned().duration_s

    def _planned(self) -> Motion:
        if self._motion is None:
            raise VlaMbpoError('the expert has no plan: call `reset` before `act` and `is_done`')
        return self._motion

    def _watch(self, arm: Group) -> None:
        where = self._robot.action.slice(arm.name)
        self._watched = np.arange(where.start, where.stop)

    def _segments(self, arm: Arm, state: Vector, cup_m: Vector) -> list[Segment] | None:
        """The first way to take the cup that `arm` can reach all along; None if there is none."""
        start = _held(self._robot, state)
        seed = start[self._robot.action.slice(arm.group.name)]
        retreat_m, lift_m = self._rng.uniform(*RETREAT_M), self._rng.uniform(*LIFT_M)
        for grasp in self._grasps(arm, cup_m):
            forward = grasp.rotation().as_matrix()[:, 0]
            before = moved(grasp, -retreat_m * forward)
            after = moved(grasp, np.array([0.0, 0.0, lift_m]))
            approach = arm.follow(straight(before, grasp, STEP_M), seed)
            if approach is None:
                continue
            lift = arm.follow(straight(grasp, after, STEP_M), approach[-1])
            if lift is not None:
                return self._joined(arm.group, start, approach, lift)
        return None

    def _grasps(self, arm: Arm, cup_m: Vector) -> Iterator[mink.SE3]:
        """Tool poses around the cup, the preferred one first."""
        style = self._style
        side = 1.0 if arm.shoulder_m[1] >= 0.0 else -1.0
        heading = float(np.arctan2(*(cup_m - arm.shoulder_m)[1::-1]))
        height = style.height_m + self._rng.uniform(-HEIGHT_JITTER_M, HEIGHT_JITTER_M)
        jitter = self._rng.uniform(-YAW_JITTER_RAD, YAW_JITTER_RAD)
        for pitch in style.pitch_rad:
            for offset in style.yaw_rad:
                yaw = heading + side * offset + jitter
                tip = np.array([*cup_m[:2], self._table_m + height])
                tip[:2] += style.depth_m * np.array([np.cos(yaw), np.sin(yaw)])
                yield tool_pose(tip, pitch, yaw)

    def _joined(
        self, arm: Group, start: Vector, approach: list[Vector], lift: list[Vector]
    ) -> list[Segment]:
        """Transit, approach, close, lift, hold, as rows of the action layout."""
        joints = self._robot.action.slice(arm.name)
        gripper = gripper_of(self._robot, arm)
        jaws = self._robot.action.index(gripper.name)
        assert gripper.gripper is not None
        closing = 2.0 * CUP_RADIUS_M * SQUEEZE

        def rows(path: list[Vector], opening_m: float) -> Vector:
            points = np.tile(start, (len(path), 1))
            points[:, joints], points[:, jaws] = path, opening_m
            return points

        around = rows(approach, gripper.gripper.open_m)
        closed = rows(lift, closing)
        return [
            Segment(points=np.stack([start, around[0]])),
            Segment(points=around),
            Segment(points=np.stack([around[-1], closed[0]]), min_duration_s=CLOSE_S),
            Segment(points=closed),
            Segment(points=closed[[-1, -1]], min_duration_s=HOLD_S),
        ]


def _held(robot: RobotDescription, state: Vector) -> Vector:
    """Action [A] that holds what `state` measures; the base stands."""
    action = robot.action.home.copy()
    for name in robot.action.groups:
        if name in robot.state.groups and not robot.group(name).base:
            action[robot.action.slice(name)] = state[robot.state.slice(name)]
    return np.clip(action, robot.action.lower, robot.action.upper)
