"""Contact sheets of worlds, as they come (only the one of the passes shows worlds that were picked).

    python benchmarks/worlds_gallery.py -o docs/gallery

Writes ``worlds_rooms.jpg`` (24 rooms), ``worlds_outdoors.jpg`` (12 streets, 12 landscapes), ``worlds_studio.jpg`` (12
studios, three cameras each), ``worlds_unseen.jpg`` (the same of held-out varieties) and ``worlds_passes.jpg`` (what is
known of a room, a street and a studio).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from maquette.worlds.generate import make_world
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.preview import sheet
from maquette.worlds.render import Renderer
from maquette.worlds.render.gl import GlRenderer
from maquette.worlds.run import produce
from maquette.worlds.types import Kind

WIDE = WorldOptions(width=256, height=192)
RIG = WorldOptions(kind="studio", width=160, height=160)
SEED = 0


def pictures(options: WorldOptions, count: int, renderer: Renderer) -> list[np.ndarray]:
    """What the cameras of the first worlds see."""
    worlds = (make_world(options, SEED, number) for number in range(count))
    return [view.rgb for world in worlds for view in renderer.render(world)]


def save(tiles: list[np.ndarray], columns: int, path: Path) -> None:
    """Write pictures of one size as a sheet."""
    rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    Image.fromarray(np.concatenate(rows)).save(path, quality=85)
    print(path)


def main() -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with GlRenderer() as renderer:
        save(pictures(replace(WIDE, kind="room"), 24, renderer), 4, out / "worlds_rooms.jpg")
        outdoors = [
            picture for kind in ("street", "landscape") for picture in pictures(replace(WIDE, kind=kind), 12, renderer)
        ]
        save(outdoors, 4, out / "worlds_outdoors.jpg")
        save(pictures(RIG, 12, renderer), 6, out / "worlds_studio.jpg")
        save(pictures(replace(RIG, styles="unseen"), 12, renderer), 6, out / "worlds_unseen.jpg")
        kinds: tuple[Kind, ...] = ("room", "street", "studio")
        records = [produce(replace(WIDE, kind=kind), TruthOptions(), SEED, 8, renderer) for kind in kinds]
        Image.fromarray(sheet(records)).save(out / "worlds_passes.jpg", quality=85)
        print(out / "worlds_passes.jpg")


if __name__ == "__main__":
    main()
