"""Pictures of a model's cameras, drawn offscreen."""

import weakref
from typing import Any

import mujoco
import numpy as np

from vla_mbpo.episodes.schema import Image
from vla_mbpo_sim.gl import backend_module
from vla_mbpo_sim.gl import missing_context

MAX_GEOMS = 500


class Painter:
    """Draws the cameras of one model at any size, with one OpenGL context.

    Shadows, reflections and multisampling are off: they would take most of the time of a software rasteriser.
    Create, use and close it in one thread.
    """

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._option = mujoco.MjvOption()
        self._perturb = mujoco.MjvPerturb()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._scene = mujoco.MjvScene(model, maxgeom=MAX_GEOMS)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = 0
        width, height = model.vis.global_.offwidth, model.vis.global_.offheight
        backend = backend_module()
        try:
            self._gl = backend.GLContext(width, height)
        except (ImportError, RuntimeError) as error:
            raise missing_context(error) from error
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        # At interpreter exit this runs while OpenGL's modules still exist; their own __del__ would come too late.
        self._free = weakref.finalize(self, _free, self._gl, self._context)

    def draw(self, data: mujoco.MjData, camera: str, size: tuple[int, int]) -> Image:
        """Picture of `camera`, uint8 [height, width, 3]; `size` is (width, height) in pixels.

        The vertical field of view is the camera's; the horizontal one follows from the shape of the picture.
        """
        width, height = size
        self._gl.make_current()
        if width > self._context.offWidth or height > self._context.offHeight:
            grown = max(width, self._context.offWidth), max(height, self._context.offHeight)
            mujoco.mjr_resizeOffscreen(*grown, self._context)
        self._camera.fixedcamid = self._model.camera(camera).id
        mujoco.mjv_updateScene(
            self._model,
            data,
            self._option,
            self._perturb,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        rectangle = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(rectangle, self._scene, self._context)
        upside_down = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_readPixels(upside_down, None, rectangle, self._context)
        return np.ascontiguousarray(upside_down[::-1])

    def close(self) -> None:
        """Free the OpenGL context; the painter cannot be used afterwards."""
        self._free()


def _free(gl: Any, context: mujoco.MjrContext) -> None:  # noqa: ANN401  the class depends on the backend
    gl.make_current()
    context.free()
    gl.free()
