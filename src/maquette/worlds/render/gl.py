"""Worlds drawn with OpenGL through EGL: on Mesa's software driver, or on a GPU where there is one.

A view is one draw into a lattice of samples half a pixel apart, which keeps for each sample the triangle that it sees;
every second one lies at the centre of a pixel. Ids, depth and normals follow from the triangle and the ray through
the pixel's centre, in closed form and unblended. Colour is computed once a pixel, at its centre, and anti-aliased
over the lattice.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maquette.camera import Camera
from maquette.errors import MaquetteError
from maquette.worlds.render.buffers import NEAR_M, Scene, Targets, Tiles, runs
from maquette.worlds.render.flat import Flat, flatten
from maquette.worlds.render.light import Shadow, irradiance, lamp_shadow, sun_shadow
from maquette.worlds.types import Floats, OrientedBox, View, World

_SUN_MAP, _LAMP_MAP = 1024, 1024
"""Sides of the shadow maps."""

_ATLAS = 4096
"""Greatest side of a picture that takes the masks of many objects."""

_DRAWN = ("triangle", "depth", "mask")
"""Programs that draw triangles."""

_PASSES = ("surface", "occlusion", "smooth", "shade", "resolve")
"""Programs that run over the picture, in their order."""


class GlRenderer:
    """Draws worlds with OpenGL 3.3; a context manager.

    The context, its programs, targets and tiles are kept from world to world, and freed at the end. The same world
    gives the same bytes on the same driver.

    Raises:
        MaquetteError: moderngl is not installed, or there is no EGL driver.
    """

    def __init__(self) -> None:
        """Open the driver."""
        try:
            import moderngl
        except ImportError as error:
            raise MaquetteError('rendering needs moderngl; install it with: pip install "maquette[worlds]"') from error
        try:
            settings: dict[str, Any] = {"backend": "egl", "require": 330}
            self._gl: Any = moderngl.create_context(standalone=True, **settings)
        except Exception as error:  # moderngl raises bare Exception
            raise MaquetteError(
                f"no OpenGL 3.3 through EGL ({error}); on Debian and Ubuntu, install libegl1 and libgl1-mesa-dri"
            ) from error
        self._programs = {name: self._program("geometry", name) for name in _DRAWN}
        self._programs |= {name: self._program("screen", name) for name in _PASSES}
        self._screens = {name: self._gl.vertex_array(self._programs[name], []) for name in _PASSES}
        self._tiles = Tiles(self._gl)
        self._sun_map, self._sun_target = self._shadow_map(_SUN_MAP)
        self._lamp_map, self._lamp_target = self._shadow_map(_LAMP_MAP)
        self._targets: Targets | None = None

    def __enter__(self) -> Self:
        """Take it into use."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the context."""
        self._gl.release()

    def render(self, world: World, *, amodal: bool = False) -> tuple[View, ...]:
        """Draw one view for each of the world's cameras.

        Args:
            world: What to draw; at least one object.
            amodal: Draw each object's mask as if it stood alone, too.
        """
        flat = flatten(world)
        with self._gl, ExitStack() as stack:
            scene = Scene(self._gl, self._tiles, world, flat, stack, self._programs)
            self._set_light(world, flat, scene)
            return tuple(self._view(world, flat, scene, camera, amodal) for camera in world.cameras)

    def _program(self, vertex: str, fragment: str) -> Any:
        head = "#version 330\n"
        shared = _source("common.glsl") if vertex == "screen" else ""
        if fragment in ("occlusion", "shade"):
            shared += _source("shadow.glsl")
        return self._gl.program(
            vertex_shader=head + _source(f"{vertex}.vert"), fragment_shader=head + shared + _source(f"{fragment}.frag")
        )

    def _shadow_map(self, size: int) -> tuple[Any, Any]:
        texture = self._gl.depth_texture((size, size))
        texture.compare_func = "<="
        texture.repeat_x = texture.repeat_y = False
        return texture, self._gl.framebuffer(depth_attachment=texture)

    def _set_light(self, world: World, flat: Flat, scene: Scene) -> None:
        lighting = world.lighting
        shade, occlusion = self._programs["shade"], self._programs["occlusion"]
        room = world.room or OrientedBox((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.0)
        _set(shade, "room_world", room.T_world_box[:3, :3])
        _set(shade, "room_center", room.center)
        _set(shade, "room_half", np.array(room.size) / 2)
        lamps = lighting.lamps[:4]
        _set(shade, "ambient", lighting.ambient)
        _set(shade, "outdoors", float(world.room is None))
        _set(shade, "exposure", lighting.exposure)
        _set(shade, "haze", lighting.sky[len(lighting.sky) // 2 - 1].mean(axis=0))
        _set(shade, "irradiance", irradiance(lighting.sky))
        places, lights = np.zeros((4, 3)), np.zeros((4, 3))
        for at, lamp in enumerate(lamps):
            places[at], lights[at] = lamp.place, np.array(lamp.intensity) / np.pi
        _set(shade, "lamp_place", places)
        _set(shade, "lamp_light", lights)
        sun = lighting.sun
        for program in (shade, occlusion):
            _set(program, "lamps", len(lamps))
            _set(program, "suns", int(sun is not None))
        if sun:
            shadow = sun_shadow(sun, flat.vertices, world.cameras)
            _set(shade, "sun_light", np.array(sun.irradiance) / np.pi)
            for program in (shade, occlusion):
                _set(program, "sun_direction", sun.direction)
                _set(program, "sun_texel_m", shadow.width_m / _SUN_MAP)
            self._cast(shadow, self._sun_target, scene, "sun_clip")
        if lamps:
            self._cast(lamp_shadow(lamps[0], flat.vertices), self._lamp_target, scene, "lamp_clip")

    def _cast(self, shadow: Shadow, target: Any, scene: Scene, uniform: str) -> None:
        to_texture = np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1]])
        for name in ("shade", "occlusion"):
            _set_matrix(self._programs[name], uniform, to_texture @ shadow.clip_world)
        _set_matrix(self._programs["depth"], "clip_world", shadow.clip_world)
        target.use()
        target.clear()
        self._gl.enable_only(self._gl.DEPTH_TEST)
        self._gl.polygon_offset = 1.5, 2.0
        for first, last in runs(scene.in_shadow(shadow), scene.caster_starts):
            scene.casters.render(vertices=3 * (last - first), first=3 * first)
        self._gl.polygon_offset = 0.0, 0.0

    def _view(self, world: World, flat: Flat, scene: Scene, camera: Camera, amodal: bool) -> View:
        targets = self._sized(camera.width, camera.height)
        far_m = scene.far_m(camera)
        _set_matrix(self._programs["triangle"], "clip_world", _clip(camera, far_m, 0.25))
        targets.samples.use()
        targets.samples.clear(-1.0, depth=1.0)
        self._gl.enable_only(self._gl.DEPTH_TEST)
        for first, last in runs(scene.in_frame(camera), flat.face_starts):
            _set(self._programs["triangle"], "first", float(first))
            scene.triangles.render(vertices=3 * (last - first), first=3 * first)
        self._gl.enable_only(self._gl.NOTHING)
        for name in _PASSES:
            program = self._programs[name]
            textures = {
                "samples": targets.sample,
                "vertices": scene.vertex_table,
                "triangles": scene.triangle_table,
                "surfaces": targets.surface,
                "occlusions": targets.occlusion if name == "smooth" else targets.smoothed,
                "colors": targets.color,
                "materials": scene.materials,
                "tiles": self._tiles.texture,
                "sky": scene.sky,
                "sun_map": self._sun_map,
                "lamp_map": self._lamp_map,
            }
            for unit, (sampler, texture) in enumerate(textures.items()):
                if sampler in program:
                    texture.use(unit)
                    program[sampler] = unit
            _set(program, "eye", camera.T_world_camera[:3, 3])
            _set(program, "world_camera", camera.T_world_camera[:3, :3].T)
            _set(program, "lens", (*camera.center_px, camera.focal_px))
            _set(program, "radius_m", 0.5 if world.room else 1.0)
            targets.passes[name].use()
            self._screens[name].render(vertices=3)
        triangle = targets.read("samples", 1, "f4")[1::2, 1::2, 0].astype(np.int32)
        surface = targets.read("surface", 4, "f4")
        index = np.where(triangle < 0, -1, flat.face_object[triangle])
        instance = scene.ids[index]
        return View(
            camera,
            targets.read("resolve", 3, "f1"),
            np.ascontiguousarray(surface[..., 3]),
            scene.labels[index],
            instance,
            np.ascontiguousarray(surface[..., :3]),
            self._masks(flat, scene, camera, far_m, index) if amodal else None,
        )

    def _sized(self, width: int, height: int) -> Targets:
        if self._targets is None or self._targets.size != (width, height):
            if self._targets is not None:
                self._targets.release()
            self._targets = Targets(self._gl, width, height)
        return self._targets

    def _masks(
        self, flat: Flat, scene: Scene, camera: Camera, far_m: float, index: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """(objects, h, w) masks of each object alone, drawn side by side in one picture; what is seen is added, so
        that the rounding of coordinates leaves no seen pixel out."""
        width, height = camera.width, camera.height
        masks: NDArray[np.bool_] = np.zeros((len(scene.ids) - 1, height, width), dtype=np.bool_)
        _set_matrix(self._programs["mask"], "clip_world", _clip(camera, far_m, 0.0))
        seen = np.flatnonzero(scene.in_frame(camera))
        columns, rows = max(_ATLAS // width, 1), max(_ATLAS // height, 1)
        for start in range(0, len(seen), columns * rows):
            batch = seen[start : start + columns * rows]
            used = -(-len(batch) // columns)
            atlas = scene.atlas((min(len(batch), columns) * width, used * height))
            atlas.use()
            atlas.clear()
            for at, item in enumerate(batch):
                row, column = divmod(at, columns)
                self._gl.viewport = (column * width, row * height, width, height)
                first, last = flat.face_starts[item], flat.face_starts[item + 1]
                scene.masks.render(vertices=3 * int(last - first), first=3 * int(first))
            picture = np.frombuffer(atlas.read(components=1, alignment=1), dtype=np.uint8)
            cells = picture.reshape(used, height, -1, width).transpose(0, 2, 1, 3).reshape(-1, height, width)
            masks[batch] = cells[: len(batch)] > 0
        rows_at, columns_at = np.nonzero(index >= 0)
        masks[index[rows_at, columns_at], rows_at, columns_at] = True
        return masks


def _clip(camera: Camera, far_m: float, margin_px: float) -> Floats:
    """(4, 4) the world to OpenGL's clip space, for a picture with a margin; its first row is at the bottom."""
    width, height = camera.width + 2 * margin_px, camera.height + 2 * margin_px
    x, y = camera.center_px
    lens = np.zeros((4, 4))
    lens[0, 0], lens[0, 2] = 2 * camera.focal_px / width, 2 * (x + margin_px) / width - 1
    lens[1, 1], lens[1, 2] = 2 * camera.focal_px / height, 2 * (y + margin_px) / height - 1
    lens[2, 2], lens[2, 3] = (far_m + NEAR_M) / (far_m - NEAR_M), -2 * far_m * NEAR_M / (far_m - NEAR_M)
    lens[3, 2] = 1.0
    clip: Floats = lens @ np.linalg.inv(camera.T_world_camera)
    return clip


@cache
def _source(name: str) -> str:
    return (resources.files("maquette.worlds.render") / "shaders" / name).read_text()


def _set(program: Any, name: str, value: Any) -> None:
    """Set a uniform, unless the compiler found no use for it."""
    if name in program:
        uniform = program[name]
        dtype = np.int32 if isinstance(value, int) else np.float32
        uniform.write(np.asarray(value, dtype=dtype).tobytes())


def _set_matrix(program: Any, name: str, matrix: Floats) -> None:
    _set(program, name, matrix.T)
