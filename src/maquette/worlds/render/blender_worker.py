"""Draws worlds in Blender: a script of its own, for any Python that has bpy, which needs nothing else of maquette.

It reads one line of JSON a world from its standard input, the folder with ``world.json`` and ``world.npz`` (see
``blender.py``, which writes them), and answers each with a line on its standard output when the pictures lie there.
All matrices are in Blender's frame already: nothing is turned here.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

ENGINES = {"cycles": "CYCLES", "eevee": "BLENDER_EEVEE", "workbench": "BLENDER_WORKBENCH"}


def main() -> None:
    """Draw world after world until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Blender reports its progress on the standard output
    for line in sys.stdin:
        try:
            draw(Path(json.loads(line)))
            answer = {"error": ""}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def draw(folder: Path) -> None:
    """Draw every camera of the world in a folder: ``N.color.exr``, ``N.exact.exr``, and ``N.ID.exr`` for amodal."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    told = json.loads((folder / "world.json").read_text("utf-8"))
    with np.load(folder / "world.npz") as arrays:
        held = dict(arrays)
    color = bpy.context.scene
    exact = bpy.data.scenes.new("exact")
    tiles = {name: _image(name, pixels) for name, pixels in zip(told["tiles"], held.get("tiles", ()), strict=True)}
    for material in told["materials"]:
        material["made"] = _material(material, tiles)
    things = {
        thing["id"]: _thing(thing["name"], index, held, told["materials"]) for index, thing in enumerate(told["things"])
    }
    for ident, thing in things.items():
        thing.pass_index = ident
        color.collection.objects.link(thing)
        exact.collection.objects.link(thing)
    _light(color, told["lighting"], held["sky"])
    _settle(color, ENGINES[told["engine"]], told["samples"], denoise=told["denoise"])
    _settle(exact, "CYCLES", 1, denoise=False)
    _make_exact(exact)
    # Scene by scene, since Blender keeps what it made for a scene until it renders another.
    for index, camera in enumerate(told["cameras"]):
        _aim(color, camera)
        _render(color, folder / f"{index}.color.exr")
    for index, camera in enumerate(told["cameras"]):
        _aim(exact, camera)
        _render(exact, folder / f"{index}.exact.exr")
        if told["amodal"]:
            for thing in things.values():
                thing.hide_render = True
            for ident, thing in things.items():
                thing.hide_render = False
                _render(exact, folder / f"{index}.{ident}.exr")
                thing.hide_render = True
            for thing in things.values():
                thing.hide_render = False


def _thing(name: str, index: int, held: dict[str, Any], materials: list[Any]) -> Any:
    """The object of that index, of all parts at once, its vertices in Blender's world."""
    import bpy

    first, last = held["vertex_starts"][index : index + 2]
    some = slice(*held["face_starts"][index : index + 2])
    faces = held["faces"][some] - first.astype(np.int32)
    used, slots = np.unique(held["face_material"][some], return_inverse=True)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(last - first)
    mesh.vertices.foreach_set("co", held["vertices"][first:last].ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.polygons.foreach_set("material_index", slots.astype(np.int32))
    tiles_m = np.array([material["tile_m"] for material in materials], np.float32)[held["face_material"][some]]
    uv = held["uv"][first:last][faces] / tiles_m[:, None, None]
    mesh.uv_layers.new().data.foreach_set("uv", uv.ravel())
    mesh.update()
    normals = mesh.attributes.new("custom_normal", "FLOAT_VECTOR", "POINT")
    normals.data.foreach_set("vector", held["normals"][first:last].ravel())
    for material in used:
        mesh.materials.append(materials[material]["made"])
    return bpy.data.objects.new(name, mesh)


def _image(name: str, pixels: Any) -> Any:
    """(h, w, 4) uint8 sRGB or float32 linear, first row at v = 0, as an image not premultiplied by its alpha."""
    import bpy

    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True, float_buffer=pixels.dtype == np.float32)
    image.alpha_mode = "CHANNEL_PACKED"
    values = pixels if image.is_float else pixels.astype(np.float32) / 255
    image.pixels.foreach_set(values.ravel())
    image.update()
    return image


def _material(told: dict[str, Any], tiles: dict[str, Any]) -> Any:
    """The principled shader; a pane that lets light through is there for the camera's rays alone."""
    import bpy

    made = bpy.data.materials.new(told["texture"])
    nodes, links = made.node_tree.nodes, made.node_tree.links
    nodes.clear()
    surface = nodes.new("ShaderNodeBsdfPrincipled")
    surface.inputs["Roughness"].default_value = told["roughness"]
    surface.inputs["Metallic"].default_value = told["metallic"]
    surface.inputs["Emission Strength"].default_value = told["emission"]
    color = (*told["color"], 1.0)
    made.diffuse_color = color
    if told["texture"] in tiles:
        tile = nodes.new("ShaderNodeTexImage")
        tile.image = tiles[told["texture"]]
        times = nodes.new("ShaderNodeVectorMath")
        times.operation = "MULTIPLY"
        times.inputs[1].default_value = told["color"]
        links.new(tile.outputs["Color"], times.inputs[0])
        for target in ("Base Color", "Emission Color"):
            links.new(times.outputs[0], surface.inputs[target])
        if told["bump_m"] > 0:
            bump = nodes.new("ShaderNodeBump")
            bump.inputs["Distance"].default_value = told["bump_m"]
            links.new(tile.outputs["Alpha"], bump.inputs["Height"])
            links.new(bump.outputs["Normal"], surface.inputs["Normal"])
    else:
        surface.inputs["Base Color"].default_value = color
        surface.inputs["Emission Color"].default_value = color
    shader = surface.outputs[0]
    if not told["casts_shadow"]:
        path, clear, either = (nodes.new(f"ShaderNode{n}") for n in ("LightPath", "BsdfTransparent", "MixShader"))
        links.new(path.outputs["Is Camera Ray"], either.inputs[0])
        links.new(clear.outputs[0], either.inputs[1])
        links.new(shader, either.inputs[2])
        shader = either.outputs[0]
    links.new(shader, nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    return made


def _light(scene: Any, told: dict[str, Any], sky: Any) -> None:
    """The sky as all see it, the ambient light as surfaces do and cameras do not, the sun, and the lamps."""
    import bpy

    scene.world = bpy.data.worlds.new("world")
    nodes, links = scene.world.node_tree.nodes, scene.world.node_tree.links
    nodes.clear()
    seen, around, both = (nodes.new(f"ShaderNode{n}") for n in ("Background", "Background", "AddShader"))
    image = nodes.new("ShaderNodeTexEnvironment")
    image.image = _image("sky", sky)
    links.new(image.outputs["Color"], seen.inputs["Color"])
    path, unseen = nodes.new("ShaderNodeLightPath"), nodes.new("ShaderNodeMath")
    unseen.operation = "SUBTRACT"
    unseen.inputs[0].default_value = 1.0
    links.new(path.outputs["Is Camera Ray"], unseen.inputs[1])
    around.inputs["Color"].default_value = (*told["ambient"], 1.0)
    links.new(unseen.outputs[0], around.inputs["Strength"])
    links.new(seen.outputs[0], both.inputs[0])
    links.new(around.outputs[0], both.inputs[1])
    links.new(both.outputs[0], nodes.new("ShaderNodeOutputWorld").inputs["Surface"])
    for lamp in told["lamps"]:
        light = bpy.data.lights.new("lamp", "POINT")
        light.color = lamp["intensity"]
        light.energy = 4 * math.pi  # of P watts, P / (4 pi) falls on what faces it at 1 m
        light.shadow_soft_size = lamp["radius_m"]
        light.use_soft_falloff = False
        _place(scene, light, lamp["pose"])
    if told["sun"]:
        light = bpy.data.lights.new("sun", "SUN")
        light.color = told["sun"]["irradiance"]
        light.energy = 1.0
        light.angle = math.radians(0.53)
        _place(scene, light, told["sun"]["pose"])


def _place(scene: Any, light: Any, pose: list[list[float]]) -> None:
    import bpy
    from mathutils import Matrix

    made = bpy.data.objects.new(light.name, light)
    made.matrix_world = Matrix(pose)
    made.visible_camera = False
    scene.collection.objects.link(made)


def _settle(scene: Any, engine: str, samples: int, *, denoise: bool) -> None:
    """What both passes share: the engine, the samples, and files that are read without a library."""
    scene.render.engine = engine
    scene.render.use_persistent_data = True
    scene.render.use_file_extension = False
    scene.render.resolution_percentage = 100
    scene.cycles.samples = samples
    scene.cycles.use_denoising = denoise
    scene.eevee.taa_render_samples = samples
    scene.display.shading.color_type = "TEXTURE"
    scene.display.render_aa = str(max(n for n in (5, 8, 11, 16, 32) if n <= max(samples, 5)))
    settings = scene.render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.exr_codec = "NONE"
    settings.color_depth = "32"
    settings.use_exr_interleave = True


def _make_exact(scene: Any) -> None:
    """One ray a pixel, within 0.005 pixels of its centre: the narrowest filter that Cycles takes."""
    import bpy

    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 0.01
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 0
    layer = scene.view_layers[0]
    layer.name = "exact"
    layer.use_pass_position = True
    layer.use_pass_object_index = True
    normals = layer.aovs.add()
    normals.name, normals.type = "Face", "COLOR"
    bare = bpy.data.materials.new("bare")
    nodes, links = bare.node_tree.nodes, bare.node_tree.links
    nodes.clear()
    black, output = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    links.new(black.outputs[0], output.inputs["Surface"])  # rays pass through a material without a surface
    face = nodes.new("ShaderNodeOutputAOV")
    face.aov_name = "Face"
    links.new(nodes.new("ShaderNodeNewGeometry").outputs["True Normal"], face.inputs["Color"])
    layer.material_override = bare


def _aim(scene: Any, told: dict[str, Any]) -> None:
    """Give the scene a camera: Blender measures focal lengths and shifts against the width of the picture."""
    import bpy
    from mathutils import Matrix

    width, height = told["width"], told["height"]
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit = "HORIZONTAL"
    lens.lens = told["focal_px"] / width * lens.sensor_width
    lens.shift_x = (width / 2 - told["center_px"][0]) / width
    lens.shift_y = (told["center_px"][1] - height / 2) / width
    lens.clip_start, lens.clip_end = told["near_m"], 1e5
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.camera.matrix_world = Matrix(told["pose"])
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y = width, height


def _render(scene: Any, path: Path) -> None:
    import bpy

    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True, scene=scene.name)


if __name__ == "__main__":
    main()
