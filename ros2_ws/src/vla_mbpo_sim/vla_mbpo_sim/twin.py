"""The simulated robot in its scene, stepped by whoever holds it."""

import mujoco
import numpy as np

from vla_mbpo.episodes.schema import Image
from vla_mbpo.episodes.schema import Vector
from vla_mbpo.errors import ShapeError
from vla_mbpo.errors import VlaMbpoError
from vla_mbpo.robots import RobotDescription
from vla_mbpo.tasks.spec import TaskSpec
from vla_mbpo.tasks.spec import check_robot
from vla_mbpo_sim.model import build_spec
from vla_mbpo_sim.pictures import Painter
from vla_mbpo_sim.scenes import ObjectPose
from vla_mbpo_sim.scenes import make_scene
from vla_mbpo_sim.wiring import JointReadings
from vla_mbpo_sim.wiring import Wiring

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class Twin:
    """MuJoCo twin of `robot` doing `task`: takes what the driver takes, gives what driver and cameras give.

    Time stands still between calls of `advance`. Physics and pictures belong to one thread. The same seed and
    condition give the same bits.

    Args:
        robot: the description.
        task: one that the twin has a scene for.
        picture_size: (width, height) in pixels instead of each camera's own.

    Raises:
        VlaMbpoError: the task is not for this robot, or has no scene.
    """

    def __init__(
        self,
        robot: RobotDescription,
        task: TaskSpec,
        *,
        picture_size: tuple[int, int] | None = None,
    ) -> None:
        check_robot(task, robot.name)
        self.robot = robot
        self.task = task
        self._picture_size = picture_size
        self._scene = make_scene(task.name, robot)
        spec = build_spec(robot)
        self._scene.add_to(spec)
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._wiring = Wiring(robot, self.model)
        self._painter: Painter | None = None
        self._step_ns = round(1e9 / robot.file.servo_rate_hz)
        self._steps = 0
        self._owed_steps = 0.0
        self._command = robot.action.home
        self._wiring.set_home(self.data)

    @property
    def time_ns(self) -> int:
        """Simulated time since the twin was made, ns; it never goes back, not even on `reset`."""
        return self._steps * self._step_ns

    def reset(self, seed: int, condition: str) -> None:
        """Robot to its home pose, objects to the places that `seed` draws for `condition`.

        Raises:
            UnknownNameError: the task has no such condition.
            VlaMbpoError: the condition has no scene in the twin.
        """
        wanted = self.task.condition(condition)
        if wanted.scene is None:
            raise VlaMbpoError(
                f'condition {condition} of task {self.task.name} has no `scene`; the twin cannot lay it out'
            )
        mujoco.mj_resetData(self.model, self.data)
        self._owed_steps = 0.0
        self._command = self.robot.action.home
        self._wiring.set_home(self.data)
        self._scene.reset(self.model, self.data, np.random.default_rng(seed), wanted.scene)
        mujoco.mj_forward(self.model, self.data)

    def command(self, action: Vector) -> None:
        """Set the targets of all servos, [A] in the action layout (SI; base: twist in the body frame).

        Raises:
            ShapeError: not of shape [A].
            VlaMbpoError: not finite.
        """
        self.robot.action.check(action, 'action')
        if not np.isfinite(action).all():
            bad = [
                n
                for n, v in zip(self.robot.action.names, action, strict=True)
                if not np.isfinite(v)
            ]
            raise VlaMbpoError(f'action: expected finite numbers, got others for {", ".join(bad)}')
        self._command = np.array(action, dtype=np.float64)
        self._wiring.apply(self.data, self._command)

    def commanded(self) -> Vector:
        """The last command, [A]; the home pose after `reset`."""
        return self._command.copy()

    def advance(self, duration_s: float) -> None:
        """Let `duration_s` pass, in whole physics steps; what is left over counts for the next call."""
        self._owed_steps += duration_s * 1e9 / self._step_ns
        steps = int(self._owed_steps + 1e-6)
        self._owed_steps -= steps
        self._steps += steps
        if not self._wiring.is_driving(self.data):
            mujoco.mj_step(self.model, self.data, nstep=steps)
            return
        for _ in range(steps):
            self._wiring.apply(self.data, self._command)
            mujoco.mj_step(self.model, self.data)

    def joints(self) -> JointReadings:
        """Measured positions, velocities and efforts, each [S] in the state layout."""
        return self._wiring.read(self.data)

    def state(self) -> Vector:
        """Measured state, [S] in the state layout: positions, and velocities where the dim is one."""
        readings = self.joints()
        return np.where(self.robot.state.is_velocity, readings.velocity, readings.position)

    def render(self, camera: str, size: tuple[int, int] | None = None) -> Image:
        """Picture of `camera`, uint8 [H, W, 3] RGB; `size` is (width, height) in pixels.

        Raises:
            UnknownNameError: the robot has no such camera.
            MissingDependencyError: no OpenGL library.
        """
        described = self.robot.camera(camera)
        own = self._picture_size or (described.width, described.height)
        if self._painter is None:
            self._painter = Painter(self.model)
        # Steps leave frames one step behind the joints; a picture shall depend on the joints alone.
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        return self._painter.draw(self.data, camera, size or own)

    def objects(self) -> dict[str, ObjectPose]:
        """Poses of the task's objects by name."""
        return self._scene.objects(self.model, self.data)

    def success(self) -> bool:
        """True if the task is done in this moment."""
        return self._scene.success(self.model, self.data)

    def snapshot(self) -> Vector:
        """All that the future depends on: MuJoCo's integration state, then the last command.

        Colours and distractors are not in it: `restore` it in a twin that was reset to the same condition and seed.
        """
        physics = np.empty(mujoco.mj_stateSize(self.model, _STATE))
        mujoco.mj_getState(self.model, self.data, physics, _STATE)
        return np.concatenate([physics, self._command])

    def restore(self, snapshot: Vector) -> None:
        """Go back to `snapshot`; `time_ns` goes on.

        Raises:
            ShapeError: the snapshot is of another model.
        """
        size = mujoco.mj_stateSize(self.model, _STATE)
        if snapshot.shape != (size + self.robot.action.width,):
            raise ShapeError(
                'snapshot', expected=(size + self.robot.action.width,), got=snapshot.shape
            )
        self._owed_steps = 0.0
        self._command = snapshot[size:].copy()
        mujoco.mj_setState(self.model, self.data, snapshot[:size], _STATE)
        mujoco.mj_forward(self.model, self.data)
        # mj_forward has changed the solver's warm start.
        mujoco.mj_setState(self.model, self.data, snapshot[:size], _STATE)

    def close(self) -> None:
        """Free the OpenGL context, in the thread that drew."""
        if self._painter is not None:
            self._painter.close()
            self._painter = None
