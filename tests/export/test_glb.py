import io
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from maquette.export.glb import encode_glb
from maquette.export.png import spread_colors
from maquette.scene import Node, Plane, Scene
from tests.export.glb import rasterise, read_json
from tests.export.scenes import bent, make_bodies, make_scene, one_plane, photo_like, psnr

VALIDATOR = Path(__file__).parent / "gltf_validator"


@pytest.mark.parametrize("scene", [make_scene(), bent(make_scene())], ids=["planes", "relief"])
def test_a_rasteriser_gives_the_photo_back(scene: Scene) -> None:
    assert psnr(rasterise(encode_glb(scene), scene.camera)[..., :3], photo_like(320, 200)) > 45


@pytest.mark.parametrize("scene", [make_scene(), bent(make_scene())], ids=["planes", "relief"])
def test_a_rasteriser_agrees_with_the_renderer(scene: Scene) -> None:
    glb = encode_glb(scene)
    for offset in ((0.12, 0.04, 0.0), (-0.1, 0.0, 0.3)):
        camera = scene.camera.moved(offset)
        view = scene.render(camera).astype(float)
        view[..., :3] *= view[..., 3:] / 255
        seen = rasterise(glb, camera)
        assert psnr(view[4:-4, 4:-4], seen[4:-4, 4:-4]) > 38
        still = scene.render().astype(float)
        assert psnr(view, still) < 30  # the camera did move


def test_says_what_each_layer_is() -> None:
    scene = make_scene()
    document = read_json(encode_glb(scene))
    assert document["asset"]["extras"] == {
        "name": scene.name,
        "settings": dict(scene.settings),
        "notes": list(scene.notes),
    }
    layers = [node for node in document["nodes"] if "mesh" in node]
    assert [node["name"] for node in layers] == [node.name for node in scene.nodes]
    for written, node in zip(layers, scene.nodes, strict=True):
        assert written["extras"] == {
            "label": node.label,
            "segment_ids": list(node.segment_ids),
            "order": node.order,
            "depth_range_m": list(node.depth_range_m),
        }
    modes = {material["name"]: material["alphaMode"] for material in document["materials"]}
    assert modes["sky"] == "OPAQUE"
    assert {mode for name, mode in modes.items() if name != "sky"} == {"BLEND"}
    assert all("KHR_materials_unlit" in material["extensions"] for material in document["materials"])


def test_textures_are_what_is_visible() -> None:
    scene = make_scene(overscan=False)
    loaded = trimesh.load(io.BytesIO(encode_glb(scene)), file_type="glb")
    for node in scene.nodes:
        texture = np.asarray(loaded.geometry[node.name].visual.material.baseColorTexture.convert("RGBA"))
        rows, columns = np.nonzero(node.plane.texture[..., 3])
        visible = node.plane.texture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert np.array_equal(texture[..., 3], visible[..., 3])
        assert np.array_equal(texture, spread_colors(visible))


@pytest.mark.parametrize("scene", [make_scene(), bent(make_scene(), step=1)], ids=["planes", "relief"])
def test_the_camera_node_sees_the_photo(scene: Scene) -> None:
    """A clip-space projection made from the GLB alone puts the corners of each layer where the photo has them."""
    glb = encode_glb(scene)
    document = read_json(glb)
    node = next(node for node in document["nodes"] if node["name"] == "camera")
    lens = document["cameras"][node["camera"]]["perspective"]
    T_camera_world = np.linalg.inv(np.array(node["matrix"]).reshape(4, 4).T)
    loaded = trimesh.load(io.BytesIO(glb), file_type="glb")
    depths = []
    for layer in scene.nodes:
        transform, name = loaded.graph[layer.name]
        points = trimesh.transform_points(loaded.geometry[name].vertices, T_camera_world @ transform)
        scale = 1 / np.tan(lens["yfov"] / 2) / -points[:, 2]
        x = (points[:, 0] * scale / lens["aspectRatio"] + 1) / 2 * scene.camera.width
        y = (1 - points[:, 1] * scale) / 2 * scene.camera.height
        rows, columns = np.nonzero(layer.plane.texture[..., 3])
        left, top = columns.min() + layer.plane.x, rows.min() + layer.plane.y
        right, bottom = columns.max() + layer.plane.x + 1, rows.max() + layer.plane.y + 1
        assert np.allclose([x.min(), y.min(), x.max(), y.max()], [left, top, right, bottom], atol=1e-2)
        depths += [-points[:, 2].min(), -points[:, 2].max()]
    assert lens["znear"] < min(depths)
    assert max(depths) < lens["zfar"]


def test_origins_come_nearer_in_the_order_of_drawing() -> None:
    scene = make_scene(cards=8)
    same_depth = tuple(replace(n, plane=replace(n.plane, inverse_depth=(0.0, 0.0, 0.25))) for n in scene.nodes)
    far_in_front = (*scene.nodes[::-1], scene.nodes[0])
    for nodes in (scene.nodes, same_depth, tuple(replace(n, name=str(i)) for i, n in enumerate(far_in_front))):
        document = read_json(encode_glb(replace(scene, nodes=nodes)))
        origins = np.array([node["translation"] for node in document["nodes"] if "mesh" in node])
        depth_m = scene.camera.from_world(origins)[:, 2]
        assert np.all(np.diff(depth_m) < 0)
        assert depth_m[-1] > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity to take a core away")
def test_same_bytes_on_one_core_and_on_all() -> None:
    scene = make_scene()
    cores = os.sched_getaffinity(0)
    everywhere = encode_glb(scene)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert encode_glb(scene) == everywhere
    finally:
        os.sched_setaffinity(0, cores)


def odd_scenes() -> dict[str, Scene]:
    scene = make_scene()
    pixel = Plane(3, 4, np.full((1, 1, 4), 77, np.uint8), (0.001, 0.002, 1.0))
    names = ("person 1", "Übergröße", "猫 2", 'a "quoted" \\ name', "🙂", "line\nbreak")
    many = tuple(
        Node(f"person {i}", "person", (), i, (1.0, 2.0), replace(scene.nodes[3].plane, x=i, y=i)) for i in range(60)
    )
    return {
        "usual": scene,
        "one-pixel": one_plane(pixel),
        "one-node": one_plane(scene.nodes[1].plane),
        "invisible": one_plane(replace(scene.nodes[3].plane, texture=np.zeros((9, 9, 4), np.uint8))),
        "names": replace(
            scene, name="写真", nodes=tuple(replace(n, name=s) for n, s in zip(scene.nodes, names, strict=True))
        ),
        "many": replace(scene, nodes=many),
        "relief": bent(scene),
        "invisible-relief": bent(one_plane(replace(scene.nodes[3].plane, texture=np.zeros((9, 9, 4), np.uint8)))),
        "large": make_scene(1280, 853, 1),
        "bodies": make_bodies(),
        "nothing": replace(make_bodies(), bodies=()),
        "layers-and-bodies": replace(scene, bodies=make_bodies().bodies),
    }


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Khronos' validator, installed from npm."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the glTF validator needs node and npm")
    home = tmp_path_factory.mktemp("gltf_validator")
    for name in ("package.json", "package-lock.json", "validate.mjs"):
        shutil.copy(VALIDATOR / name, home)
    npm = subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=home, capture_output=True, text=True)
    if npm.returncode and not os.environ.get("CI"):
        pytest.skip(f"npm ci cannot fetch the glTF validator: {(npm.stderr or npm.stdout).strip()[:200]}")
    assert npm.returncode == 0, npm.stderr
    return home / "validate.mjs"


@pytest.mark.slow
def test_the_validator_finds_nothing(validator: Path, tmp_path: Path) -> None:
    for name, scene in odd_scenes().items():
        (tmp_path / f"{name}.glb").write_bytes(encode_glb(scene))
    (tmp_path / "broken.glb").write_bytes(encode_glb(make_scene())[:-100])
    files = sorted(tmp_path.glob("*.glb"))
    found = subprocess.run(["node", validator, *files], capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(found) == len(files)
    for file, line in zip(files, found, strict=True):
        assert (line == "0 errors, 0 warnings") == (file.stem != "broken"), f"{file.name}: {line}"
