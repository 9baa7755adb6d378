"""A user's meshes become families: sizes, places, colours, surfaces, and one clear line for what cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maquette.errors import MaquetteError
from maquette.worlds.assets import Family, families
from maquette.worlds.assets.imported import SIZES, load_families
from maquette.worlds.materials import linear
from maquette.worlds.types import Asset

trimesh = pytest.importorskip("trimesh")
KENNEY = Path(__file__).parents[3] / "shared" / "meshes" / "kenney"


def load(folder: Path, classes: Any) -> dict[str, Family]:
    (folder / "classes.json").write_text(json.dumps(classes))
    return dict(load_families(folder))


def only(folder: Path, mesh: Any, name: str = "table", **entry: Any) -> Asset:
    """The asset of one mesh."""
    mesh.export(folder / "one.glb")
    (family,) = load(folder, {name: {"files": ["one.glb"], **entry}}).values()
    return family.build(family.styles["one.glb"](np.random.default_rng(0)))


def extents(asset: Asset) -> np.ndarray:
    return np.ptp(asset.bounds, axis=0)


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_a_file_of_each_format_stands_on_the_floor_at_its_size(tmp_path: Path, suffix: str) -> None:
    box = trimesh.creation.box((300, 200, 100))
    box.apply_translation((70, -40, 900))
    box.export(tmp_path / f"thing{suffix}")
    family = load(tmp_path, {"table": [f"*{suffix}"]})["table"]
    assert (family.label, family.stands, tuple(family.styles)) == ("table", "floor", (f"thing{suffix}",))
    rng = np.random.default_rng(0)
    heights = []
    for _ in range(20):
        asset = family.build(family.styles[f"thing{suffix}"](rng))
        width, height, depth = extents(asset)
        np.testing.assert_allclose((width, depth), (1.5 * height, 0.5 * height), rtol=1e-5)
        np.testing.assert_allclose(asset.bounds[0], (-width / 2, 0, -depth / 2), atol=1e-6)
        assert [part.closed for part in asset.parts] == [True]
        heights.append(height)
    _, least, most = SIZES["table"]
    assert least <= min(heights) < max(heights) <= most


def test_the_map_says_what_is_measured_and_where_the_front_is(tmp_path: Path) -> None:
    wedge = trimesh.convex.convex_hull([(0, 0, 0), (4, 0, 0), (0, 0, 1), (4, 0, 1), (0, 2, 0), (4, 2, 0)])
    asset = only(tmp_path, wedge, longest_m=[2, 2])
    np.testing.assert_allclose(extents(asset), (2, 1, 0.5), rtol=1e-5)
    backs = {}
    for turn in (0, 90, 180):
        asset = only(tmp_path, wedge, turn_deg=turn)
        points = np.concatenate([part.vertices for part in asset.parts])
        backs[turn] = points[points[:, 1] > asset.bounds[1, 1] - 1e-6].mean(axis=0) / extents(asset)
    np.testing.assert_allclose(backs[0], (0, 1, -0.5), atol=1e-6)
    np.testing.assert_allclose(backs[90], (-0.5, 1, 0), atol=1e-6)
    np.testing.assert_allclose(backs[180], (0, 1, 0.5), atol=1e-6)


def test_what_hangs_has_its_origin_in_its_back(tmp_path: Path) -> None:
    walls = [name for name, family in families().items() if family.stands == "wall" and name in SIZES]
    if not walls:
        pytest.skip("no family hangs on walls")
    asset = only(tmp_path, trimesh.creation.box((3, 2, 0.2)), walls[0], longest_m=[0.6, 0.6])
    np.testing.assert_allclose(asset.bounds, [[-0.3, -0.2, 0], [0.3, 0.2, 0.04]], atol=1e-6)


def test_colours_come_from_materials_vertices_and_palettes(tmp_path: Path) -> None:
    box = trimesh.creation.box((1, 1, 1))
    material = trimesh.visual.material.PBRMaterial(
        baseColorFactor=[255, 128, 0, 255], roughnessFactor=0.25, metallicFactor=1.0
    )
    flat = box.copy()
    flat.visual = trimesh.visual.TextureVisuals(material=material)
    (part,) = only(tmp_path, flat).parts
    np.testing.assert_allclose(part.material.color, (1, 128 / 255, 0), atol=0.01)
    assert (part.material.roughness, part.material.metallic) == (0.25, 1.0)

    painted = box.copy()
    painted.visual.vertex_colors = np.tile([10, 200, 30, 255], (8, 1))
    (part,) = only(tmp_path, painted).parts
    np.testing.assert_allclose(part.material.color, linear(10 / 255, 200 / 255, 30 / 255), atol=0.01)

    palette = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]], [[0, 255, 0], [0, 255, 0]]], np.uint8)).resize(
        (64, 32), Image.Resampling.NEAREST
    )
    mapped = trimesh.Trimesh(box.vertices[box.faces].reshape(-1, 3), np.arange(36).reshape(-1, 3), process=False)
    red = np.repeat(box.face_normals[:, 1] > 0.5, 3)
    uv = np.stack([np.where(red, 0.25, 0.75), np.full(36, 0.75)], axis=-1)  # v runs upward
    mapped.visual = trimesh.visual.TextureVisuals(
        uv=uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=palette)
    )
    parts = {part.material.color: part for part in only(tmp_path, mapped).parts}
    assert set(parts) == {(1.0, 0.0, 0.0), (0.0, 0.0, 1.0)}
    assert len(parts[1.0, 0.0, 0.0].faces) == 2
    assert not any(part.closed for part in parts.values())


def test_many_colours_become_eight(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(3)
    ball.visual.vertex_colors = np.random.default_rng(0).integers(0, 255, (len(ball.vertices), 3))
    parts = only(tmp_path, ball).parts
    assert 1 < len(parts) <= 8
    assert sum(len(part.faces) for part in parts) == len(ball.faces)


def test_closed_is_what_is_closed_and_faces_look_outward(tmp_path: Path) -> None:
    box = trimesh.creation.box((1, 1, 1))
    box.invert()
    (part,) = only(tmp_path, box).parts
    assert part.closed
    assert trimesh.Trimesh(part.vertices, part.faces).volume > 0
    box.update_faces(np.arange(12) > 0)
    (part,) = only(tmp_path, box).parts
    assert not part.closed


def test_things_can_stand_on_level_tops(tmp_path: Path) -> None:
    (top,) = only(tmp_path, trimesh.creation.box((2, 1, 1)), height_m=[0.7, 0.7]).surfaces
    np.testing.assert_allclose((*top.center, *top.size), (0, 0.7, 0, 1.38, 0.68), atol=1e-6)
    disc = trimesh.creation.cylinder(1, 1, sections=24)
    disc.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0)))
    (top,) = only(tmp_path, disc, height_m=[0.7, 0.7]).surfaces
    assert np.hypot(*top.size) / 2 < 0.7
    assert only(tmp_path, trimesh.creation.icosphere(2)).surfaces == ()
    assert only(tmp_path, trimesh.creation.box((1, 9, 1))).surfaces == ()  # too small


def test_every_third_is_held_out(tmp_path: Path) -> None:
    for name in "fbdaec":
        trimesh.creation.box((1, 1, 1)).export(tmp_path / f"{name}.ply")
    family = load(tmp_path, {"chair": ["*.ply", "a.ply"]})["chair"]
    assert tuple(family.styles) == tuple(f"{name}.ply" for name in "abcdef")
    assert family.unseen == ("c.ply", "f.ply")


BROKEN = {
    "not an object": ([], "should be an object"),
    "unknown family": ({"dragon": ["box.ply"]}, "no family 'dragon'"),
    "no files": ({"chair": {}}, "chair needs a list"),
    "not a list": ({"chair": "box.ply"}, "chair needs a list"),
    "unknown key": ({"chair": {"files": ["box.ply"], "hight_m": [1, 2]}}, "'hight_m'"),
    "no match": ({"chair": ["sofa*.glb"]}, "matches chair's 'sofa*.glb'"),
    "not a mesh": ({"chair": ["notes.txt"]}, "matches chair's 'notes.txt'"),
    "absolute": ({"chair": ["/box.ply"]}, "'/box.ply'"),
    "two families": ({"chair": ["box.ply"], "table": ["*.ply"]}, "box.ply belongs to chair and to table"),
    "two measures": ({"chair": {"files": ["box.ply"], "height_m": [1, 1], "longest_m": [1, 1]}}, "keep one"),
    "no bounds": ({"chair": {"files": ["box.ply"], "height_m": 1}}, "two lengths for height_m"),
    "not positive": ({"chair": {"files": ["box.ply"], "height_m": [0, 1]}}, "two lengths for height_m"),
    "not a number": ({"chair": {"files": ["box.ply"], "turn_deg": "half"}}, "degrees for turn_deg"),
    "garbage": ({"chair": ["garbage.glb"]}, "garbage.glb: is not a mesh"),
    "no triangles": ({"chair": ["points.ply"]}, "points.ply: has no triangles"),
    "no height": ({"chair": ["sheet.ply"]}, "sheet.ply: has no height"),
    "not finite": ({"chair": ["nan.obj"]}, "nan.obj"),
}


@pytest.mark.parametrize(("classes", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, classes: Any, said: str) -> None:
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "box.ply")
    (tmp_path / "notes.txt").write_text("a box")
    (tmp_path / "garbage.glb").write_bytes(b"glTF" + bytes(range(200)))
    trimesh.PointCloud(np.eye(3)).export(tmp_path / "points.ply")
    trimesh.Trimesh([(0, 0, 0), (1, 0, 0), (0, 0, 1)], [(0, 1, 2)]).export(tmp_path / "sheet.ply")
    (tmp_path / "nan.obj").write_text("v 0 0 0\nv 1 nan 0\nv 0 1 0\nf 1 2 3\n")
    with pytest.raises(MaquetteError) as error:
        load(tmp_path, classes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_and_maps_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(MaquetteError, match="nowhere: there is no such folder"):
        load_families(tmp_path / "nowhere")
    with pytest.raises(MaquetteError, match=r"classes\.json: cannot be read"):
        load_families(tmp_path)
    (tmp_path / "map.json").write_text("{")
    with pytest.raises(MaquetteError, match=r"map\.json: is not JSON"):
        load_families(tmp_path, tmp_path / "map.json")


@pytest.fixture(scope="module")
def kenney(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Family]:
    if not KENNEY.is_dir():
        pytest.skip("the Kenney furniture kit is not beside the repository")
    classes = {
        "table": {"files": ["table.glb", "tableGlass.glb", "tableRound.glb", "tableCross.glb"]},
        "chair": {"files": ["chair*.glb"], "turn_deg": 180},
        "nightstand": {"files": ["cabinetBed*.glb"], "turn_deg": 180},
        "laptop": {"files": ["laptop.glb"], "turn_deg": 180},
        "bag": {"files": ["cardboardBoxClosed.glb"], "height_m": [0.3, 0.4]},
        "sofa": {"files": ["loungeSofa.glb", "loungeSofaLong.glb"], "turn_deg": 180},
        "bed": {"files": ["bedSingle.glb", "bedDouble.glb"], "turn_deg": 180},
        "bookcase": {"files": ["bookcase*.glb"], "turn_deg": 180},
    }
    path = tmp_path_factory.mktemp("map") / "classes.json"
    path.write_text(json.dumps({name: entry for name, entry in classes.items() if name in families()}))
    return dict(load_families(KENNEY, path))


def test_kenneys_furniture_has_plausible_sizes(kenney: dict[str, Family]) -> None:
    rng = np.random.default_rng(0)
    for name, family in kenney.items():
        for style, sampler in family.styles.items():
            asset = family.build(sampler(rng))
            low, high = asset.bounds
            assert (high - low > 0.15).all() and (high - low < 3.0).all(), style
            np.testing.assert_allclose((low + high)[[0, 2]], 0, atol=1e-6)
            assert low[1] == pytest.approx(0, abs=1e-6)
            assert (asset.family, asset.style) == (name, style)
            if name == "table":
                assert len(asset.surfaces) == 1
            for part in asset.parts:
                if part.closed:
                    assert trimesh.Trimesh(part.vertices, part.faces).volume > 0, style


def test_backs_of_kenneys_chairs_are_behind(kenney: dict[str, Family]) -> None:
    for sampler in kenney["chair"].styles.values():
        asset = kenney["chair"].build(sampler(np.random.default_rng(0)))
        points = np.concatenate([part.vertices for part in asset.parts])
        assert points[points[:, 1] > 0.9 * asset.bounds[1, 1], 2].mean() < 0


def test_a_studio_of_kenneys_furniture_is_sound(kenney: dict[str, Family], tmp_path: Path) -> None:
    pytest.importorskip("moderngl")
    from maquette.worlds.check import check_record, check_world
    from maquette.worlds.generate import make_world
    from maquette.worlds.options import TruthOptions, WorldOptions
    from maquette.worlds.render import make_renderer
    from maquette.worlds.truth import make_record

    path = tmp_path / "classes.json"
    path.write_text(
        json.dumps({name: sorted(kenney[name].styles) for name in ("table", "chair", "nightstand", "laptop")})
    )
    options = WorldOptions(
        counts="table=2,chair=3,nightstand=2,laptop=2",
        assets=str(KENNEY),
        classes=str(path),
        only_assets=True,
        styles="all",
    )
    world = next(world for world in (make_world(options, 1, index) for index in range(9)) if len(world.objects) > 10)
    styles = {thing.asset.style for thing in world.objects if thing.asset.family in kenney}
    assert styles <= {style for family in kenney.values() for style in family.styles} and len(styles) >= 3
    try:
        renderer = make_renderer("gl", 1)
    except MaquetteError as error:
        pytest.skip(str(error))
    with renderer:
        views = renderer.render(world, amodal=True)
    report = check_world(world) + check_record(world, make_record(world, views, TruthOptions()))
    assert report.failures == ()


def test_the_page_on_assets_names_every_family() -> None:
    page = (Path(__file__).parents[2] / "docs" / "worlds_assets.md").read_text(encoding="utf-8")
    for family in families().values():
        assert f"| {family.name} | {family.label} |" in page, family.name
        assert family.name == "person" or all(style in page for style in family.styles), family.name
    for name, (_, least, most) in SIZES.items():
        assert f"| {name} |" in page and f"| {least:g} to {most:g} |" in page
