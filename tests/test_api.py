"""The public API: its names and signatures are written down, and it works as the README says."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import maquette

SURFACE = Path(__file__).with_name("api_surface.json")


def surface() -> dict[str, Any]:
    """Every public name with its signature; of a class also its public members, of a dataclass its fields."""
    return {name: _describe(getattr(maquette, name)) for name in sorted(maquette.__all__)}


def _describe(value: Any) -> Any:
    if not inspect.isclass(value):
        return str(inspect.signature(value)) if callable(value) else type(value).__name__
    described: dict[str, Any] = {"bases": [base.__name__ for base in value.__bases__]}
    if dataclasses.is_dataclass(value):
        described["fields"] = {
            field.name: f"{field.type}" + ("" if field.default is dataclasses.MISSING else f" = {field.default!r}")
            for field in dataclasses.fields(value)
        }
    members = {name: member for name, member in vars(value).items() if not name.startswith("_")}
    described["members"] = {
        name: "property"
        if isinstance(member, property)
        else str(inspect.signature(getattr(member, "__func__", member)))
        for name, member in members.items()
        if isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)
    }
    return described


def test_the_public_api_is_as_written_down() -> None:
    written = json.loads(SURFACE.read_text(encoding="utf-8"))
    assert surface() == written, "a change of the public API: say it in CHANGELOG.md, then run python -m tests.test_api"


def test_every_public_name_is_documented() -> None:
    for name in maquette.__all__:
        value = getattr(maquette, name)
        assert not callable(value) or inspect.getdoc(value), name


@pytest.fixture(scope="module")
def rgb() -> NDArray[np.uint8]:
    """A green lawn under a blue sky, with a red box on it."""
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[:48] = (120, 170, 230)
    picture[48:] = (90, 150, 60)
    picture[30:70, 50:80] = (190, 40, 40)
    return picture + np.random.default_rng(0).integers(0, 12, picture.shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def scene(rgb: NDArray[np.uint8]) -> maquette.Scene:
    return maquette.diorama(rgb)


def test_the_five_lines_of_the_readme(rgb: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    made = maquette.diorama(tmp_path / "photo.png")
    written = made.export(tmp_path / "scene.glb")
    assert written.read_bytes()[:4] == b"glTF"
    assert made.name == "photo"


def test_every_kind_of_source_gives_the_same_scene(rgb: NDArray[np.uint8], scene: maquette.Scene) -> None:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "png")
    for source in (Image.fromarray(rgb), stream.getvalue()):
        made = maquette.diorama(source)
        assert [node.name for node in made.nodes] == [node.name for node in scene.nodes]
        assert np.array_equal(made.render(), scene.render())


def test_seen_from_its_camera_the_scene_is_the_photo(rgb: NDArray[np.uint8], scene: maquette.Scene) -> None:
    seen = scene.render()
    assert seen.shape == (96, 128, 4)
    error = np.mean((seen[..., :3].astype(float) - rgb) ** 2)
    assert error < 255**2 / 10 ** (38 / 10)  # a PSNR of 38 dB


def test_a_perception_can_be_made_once_and_used_again(rgb: NDArray[np.uint8], scene: maquette.Scene) -> None:
    perception = maquette.perceive(maquette.load_photo(rgb))
    made = maquette.diorama(rgb, perception=perception)
    assert np.array_equal(made.render(), scene.render())


def test_options_reach_the_scene_and_its_settings(rgb: NDArray[np.uint8]) -> None:
    made = maquette.diorama(
        rgb,
        options=maquette.DioramaOptions(style="paper", layers=2),
        perception=maquette.PerceptionOptions(fov_deg=70),
        threads=1,
    )
    assert len(made.nodes) <= 2
    assert made.camera.fov_deg == pytest.approx(70)
    assert made.settings["diorama"]["style"] == "paper"
    assert made.settings["perception"]["fov_deg"] == 70
    assert json.dumps(dict(made.settings))


def test_progress_is_told(rgb: NDArray[np.uint8]) -> None:
    steps: list[str] = []
    maquette.diorama(rgb, progress=steps.append)
    assert len(steps) >= 3
    assert len(set(steps)) == len(steps)


def test_errors_are_one_family() -> None:
    with pytest.raises(maquette.MaquetteError):
        maquette.diorama("there is no such file.jpg")
    for name in ("PhotoError", "ModelError", "ExportError"):
        assert issubclass(getattr(maquette, name), maquette.MaquetteError)


if __name__ == "__main__":
    SURFACE.write_text(json.dumps(surface(), indent=1) + "\n", encoding="utf-8")
