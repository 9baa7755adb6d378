"""Contact sheet of the diorama method: input, segments, depth, exploded view, parallax.

    python benchmarks/gallery.py -o docs/gallery                    scikit-image's photographs and places drawn here
    python benchmarks/gallery.py -o sheets --photos DIR             every photo of a folder

Writes one picture a photo and a page ``README.md`` that shows them all.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import maquette
from maquette.camera import Camera
from maquette.examples import FILES, example
from maquette.perception.types import Perception
from maquette.scene import Scene

Picture = NDArray[np.uint8]

WIDTH = 320
"""Width of each of the five pictures of a sheet, in pixels."""

VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Five stops of Matplotlib's map of that name; dark is far."""


def segments_picture(photo: Picture, perception: Perception) -> Picture:
    """Segments in the colours of their labels over the photo, with white borders."""
    from skimage.segmentation import find_boundaries

    colours = np.zeros((int(perception.segment_ids.max()) + 1, 3))
    for segment in perception.segments:
        colours[segment.id] = segment.label.color
    picture = 0.7 * colours[perception.segment_ids] + 0.3 * photo
    picture[find_boundaries(perception.segment_ids)] = 255
    return picture.astype(np.uint8)


def depth_picture(perception: Perception) -> Picture:
    """Log of inverse depth in viridis between its 2% and 98% quantiles: yellow is near."""
    level = -np.log(perception.depth_m.astype(float))
    low, high = np.quantile(level, [0.02, 0.98])
    place = np.clip((level - low) / max(high - low, 1e-6), 0, 1) * (len(VIRIDIS) - 1)
    stops = np.array(VIRIDIS, dtype=float)
    return np.stack([np.interp(place, np.arange(len(stops)), stops[:, c]) for c in range(3)], axis=-1).astype(np.uint8)


def exploded(scene: Scene) -> Picture:
    """The layers as cards, evenly spaced and seen from the side."""
    count = len(scene.nodes)
    camera = scene.camera
    cards = []
    for node in scene.nodes:
        depth = 3.0 + 2.5 * (count - 1 - node.order) / max(count - 1, 1)
        cards.append(
            dataclasses.replace(node, plane=dataclasses.replace(node.plane, inverse_depth=(0.0, 0.0, 1 / depth)))
        )
    angle = np.radians(34)
    turn = np.eye(4)
    turn[:3, :3] = [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]]
    pivot = camera.to_world([0, 0, 4.4])
    pose = camera.T_world_camera @ turn
    pose[:3, 3] = pivot - pose[:3, 2] * 6.0
    side = Camera(camera.width, camera.height, camera.focal_px, camera.center_px, pose)
    return on_grey(dataclasses.replace(scene, nodes=tuple(cards)).render(side))


def moved(scene: Scene) -> Picture:
    """The scene from a camera moved right and up by 8% of the distance to the nearest layer."""
    step = 0.08 * min(node.depth_range_m[0] for node in scene.nodes)
    return on_grey(scene.render(scene.camera.moved([step, -step / 3, 0])))


def on_grey(picture: Picture) -> Picture:
    """Composite over mid grey."""
    alpha = picture[..., 3:].astype(float) / 255
    return np.rint(picture[..., :3] * alpha + 64 * (1 - alpha)).astype(np.uint8)


def sheet(photo: maquette.Photo) -> tuple[Picture, Scene]:
    """Input, segments, depth, exploded view and parallax side by side."""
    perception = maquette.perceive(photo)
    scene = maquette.diorama(photo.rgb, perception=perception)
    pictures = [
        photo.rgb,
        segments_picture(photo.rgb, perception),
        depth_picture(perception),
        exploded(scene),
        moved(scene),
    ]
    height = round(WIDTH * photo.height / photo.width)
    small = [Image.fromarray(p).resize((WIDTH, height), Image.Resampling.LANCZOS) for p in pictures]
    return np.hstack([np.asarray(p) for p in small]), scene


def carried() -> Iterator[maquette.Photo]:
    """The photographs in scikit-image's wheel, and the places that this project draws."""
    from drawings import DRAWINGS

    folder = example("coffee").parent
    for name in [*FILES.values(), "motorcycle_right.png", "camera.png", "coins.png"]:
        yield maquette.load_photo(folder / name)
    for name, drawing in DRAWINGS.items():
        yield dataclasses.replace(maquette.load_photo(drawing()), name=name)


def main() -> None:
    """Write the sheets and their page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    paths = sorted(arguments.photos.iterdir()) if arguments.photos else []
    page = [
        "# Gallery",
        "",
        "Input, segments, depth (yellow is near), exploded view, and the view from a camera moved by 8% of the way",
        "to the nearest layer. Made by `python benchmarks/gallery.py -o docs/gallery`, from the photographs in",
        "scikit-image's wheel and from places drawn by `benchmarks/drawings.py`.",
    ]
    for photo in (maquette.load_photo(p) for p in paths) if arguments.photos else carried():
        picture, scene = sheet(photo)
        Image.fromarray(picture).save(arguments.out / f"{photo.name}.jpg", quality=85, optimize=True)
        page += [
            "",
            f"## {photo.name}",
            "",
            f"{len(scene.nodes)} layers: {', '.join(n.name for n in scene.nodes)}.",
            "",
        ]
        page += [f"![{photo.name}]({photo.name}.jpg)"]
        print(photo.name, len(scene.nodes), file=sys.stderr)
    (arguments.out / "README.md").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main()
