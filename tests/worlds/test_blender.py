"""The Blender renderer against rays cast by hand, and against OpenGL."""

from __future__ import annotations

import importlib.util
import stat
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.camera import T_ZUP_YUP
from maquette.errors import MaquetteError
from maquette.worlds.options import WorldOptions
from maquette.worlds.render import blender
from maquette.worlds.render.blender import BlenderRenderer, find_python
from maquette.worlds.render.exr import read_exr
from maquette.worlds.types import View, World
from tests.worlds.cast import cast, small_world

COORDINATE = st.floats(-100, 100)


@given(x=COORDINATE, y=COORDINATE, z=COORDINATE)
def test_what_was_up_stays_up(x: float, y: float, z: float) -> None:
    """The turn keeps x, brings +Y to +Z and -Z to +Y, and mirrors nothing."""
    assert np.array_equal(T_ZUP_YUP @ (x, y, z, 1), (x, -z, y, 1))
    assert np.linalg.det(T_ZUP_YUP) == 1
    assert np.array_equal(T_ZUP_YUP @ T_ZUP_YUP.T, np.eye(4))


def test_without_blender_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv(blender.VARIABLE, raising=False)
    with pytest.raises(MaquetteError, match=r"no bpy; .*pip install bpy") as raised, BlenderRenderer():
        pass
    assert "\n" not in str(raised.value)
    monkeypatch.setenv(blender.VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(MaquetteError, match="missing, which cannot be run"):
        find_python()


def test_a_process_that_stops_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "python"
    fake.write_text("#!/bin/sh\nread line\necho 'first' >&2\necho 'no bpy here' >&2\nexit 3\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv(blender.VARIABLE, str(fake))
    with (
        pytest.raises(MaquetteError, match=r"Blender stopped \(status 3\): no bpy here"),
        BlenderRenderer() as renderer,
    ):
        renderer.render(small_world())


def exr(channels: dict[str, np.ndarray], *, compression: int = 0, kind: int = 2, version: int = 2) -> bytes:
    """An OpenEXR file of scan lines, written by the book; lines come from the bottom up."""
    height, width = next(iter(channels.values())).shape
    names = sorted(channels)
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", kind, 0, 1, 1) for name in names) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = (("channels", "chlist", listed), ("compression", "compression", bytes([compression])))
    attributes += (("dataWindow", "box2i", window), ("lineOrder", "lineOrder", b"\1"))
    head = struct.pack("<II", 20000630, version)
    for name, type_name, value in attributes:
        head += name.encode() + b"\0" + type_name.encode() + b"\0" + struct.pack("<I", len(value)) + value
    head += b"\0" + bytes(8 * height)
    rows = range(height - 1, -1, -1)
    return head + b"".join(
        struct.pack("<ii", y, 4 * width * len(names)) + b"".join(channels[name][y].tobytes() for name in names)
        for y in rows
    )


def test_reads_what_was_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    written = {name: rng.standard_normal((5, 7)).astype("<f4") for name in ("exact.Depth.Z", "a", "exact.Face.R")}
    (tmp_path / "a.exr").write_bytes(exr(written))
    found = read_exr(tmp_path / "a.exr")
    assert sorted(found) == sorted(written)
    assert all(np.array_equal(found[name], written[name]) for name in written)


@pytest.mark.parametrize("odd", [{"compression": 3}, {"kind": 1}, {"version": 2 | 0x1000}, {"version": 2 | 0x200}])
def test_refuses_other_kinds_of_files(odd: dict[str, int], tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(exr({"a": np.zeros((2, 2), "<f4")}, **odd))
    with pytest.raises(ValueError, match=r"a\.exr"):
        read_exr(tmp_path / "a.exr")


@pytest.fixture(scope="module")
def renderer() -> Iterator[BlenderRenderer]:
    try:
        find_python()
    except MaquetteError as error:
        pytest.skip(str(error))
    with BlenderRenderer() as opened:
        yield opened


@pytest.mark.slow
def test_rays_through_pixel_centres_see_the_same(renderer: BlenderRenderer) -> None:
    """Ids, depth, normals and masks against every ray on every triangle; the principal point is off the middle."""
    world = small_world()
    first, *others = world.cameras
    width, height = first.width, first.height - 11
    world = replace(world, cameras=(replace(first, width=width, height=height, center_px=(19.3, 22.8)), *others))
    for seen, true in zip(renderer.render(world, amodal=True), cast(world), strict=True):
        assert seen.instance.shape == true.instance.shape
        same = seen.instance == true.instance
        assert same.mean() > 0.998
        assert np.array_equal(seen.semantic[same], true.semantic[same])
        assert np.allclose(seen.depth_m[same], true.depth_m[same], atol=1e-4)
        alike = np.abs(seen.normals_cam - true.normals_cam).max(axis=-1)[same] < 1e-3
        assert alike.mean() > 0.998  # at the edges of a box, the other side
        assert seen.amodal is not None and true.amodal is not None
        assert np.mean(seen.amodal != true.amodal) < 0.002


def make(kind: str) -> World:
    from maquette.worlds.generate import make_world

    return make_world(WorldOptions(kind=kind), 5, 0)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["studio", "room", "street"])
def test_both_renderers_agree(kind: str, renderer: BlenderRenderer) -> None:
    gl = pytest.importorskip("maquette.worlds.render.gl")
    world = make(kind)
    with gl.GlRenderer() as other:
        drawn = other.render(world)
    for seen, true in zip(renderer.render(world), drawn, strict=True):
        same = seen.instance == true.instance
        assert same.mean() > 0.99
        assert np.array_equal(seen.semantic[same], true.semantic[same])
        off = np.abs(seen.depth_m - true.depth_m)[same]
        assert np.mean(off > 0.01) < 1e-3  # but where one part of a thing ends before another, far behind it
        assert alike(seen, true) > 0.8


def alike(one: View, other: View) -> float:
    """Correlation of the brightness of two pictures, in blocks of 8 x 8 pixels."""
    small = [
        view.rgb.mean(axis=-1).reshape(view.rgb.shape[0] // 8, 8, -1, 8).mean(axis=(1, 3)).ravel()
        for view in (one, other)
    ]
    return float(np.corrcoef(*small)[0, 1])
