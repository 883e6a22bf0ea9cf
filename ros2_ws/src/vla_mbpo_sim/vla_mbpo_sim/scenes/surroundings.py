"""Floor, sky, light, table: what every table-top scene shares."""

import mujoco

from vla_mbpo_sim.scenes.layout import TabletopLayout

FLOOR_HALF_M = 4.0
LEG_HALF_M = 0.025
TABLE_TOP = 'table_top'
TABLE_COLORS = {
    'wood': (0.79, 0.64, 0.46, 1.0),
    'black': (0.13, 0.13, 0.15, 1.0),
    'white': (0.93, 0.93, 0.91, 1.0),
    'grey': (0.55, 0.56, 0.58, 1.0),
}
_LEG_COLOR = (0.25, 0.26, 0.29, 1.0)


def add_room(spec: mujoco.MjSpec, floor_m: float) -> None:
    """Soft light from above, a pale sky and a checkered floor."""
    spec.visual.headlight.ambient = [0.45, 0.45, 0.45]
    spec.visual.headlight.diffuse = [0.25, 0.25, 0.25]
    spec.visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.visual.map.znear = 0.005
    spec.stat.extent = 2.0
    spec.worldbody.add_light(
        name='lamp', pos=[-0.5, 0.8, 3.0], dir=[0.3, -0.3, -1.0], diffuse=[0.45, 0.44, 0.42],
        specular=[0.1, 0.1, 0.1], type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL, castshadow=False,
    )  # fmt: skip
    spec.add_texture(
        name='sky', type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.95, 0.97], rgb2=[0.70, 0.77, 0.84], width=64, height=384,
    )  # fmt: skip
    spec.add_texture(
        name='floor', type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=[0.80, 0.80, 0.78], rgb2=[0.74, 0.74, 0.73], width=256, height=256,
    )  # fmt: skip
    material = spec.add_material(name='floor', texrepeat=[4.0, 4.0])
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = 'floor'
    spec.worldbody.add_geom(
        name='floor', type=mujoco.mjtGeom.mjGEOM_PLANE, pos=[0.0, 0.0, floor_m],
        size=[FLOOR_HALF_M, FLOOR_HALF_M, 0.1], material='floor',
    )  # fmt: skip


def add_table(spec: mujoco.MjSpec, layout: TabletopLayout) -> None:
    """Table of the layout, on four legs."""
    table, (x, y) = layout.table, layout.table.center_m
    thickness = table.thickness_m
    body = spec.worldbody.add_body(name='table', pos=[x, y, table.top_m])
    body.add_geom(
        name=TABLE_TOP,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0.0, 0.0, -thickness / 2],
        size=[*table.half_m, thickness / 2],
        rgba=TABLE_COLORS['wood'],
    )
    leg_half = (table.top_m - thickness - layout.floor_m) / 2
    for side_x in (-1.0, 1.0):
        for side_y in (-1.0, 1.0):
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_BOX,
                pos=[
                    side_x * (table.half_m[0] - 2 * LEG_HALF_M),
                    side_y * (table.half_m[1] - 2 * LEG_HALF_M),
                    -thickness - leg_half,
                ],
                size=[LEG_HALF_M, LEG_HALF_M, leg_half],
                rgba=_LEG_COLOR,
                contype=0,
                conaffinity=0,
            )
