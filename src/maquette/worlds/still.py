"""One world as files for people and other programs, rather than for training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from maquette.errors import ExportError
from maquette.export.atomic import shown, whole
from maquette.labels import BY_NAME, LABELS
from maquette.perception.files import write_perception
from maquette.perception.types import SKY_DEPTH_M, Perception, Segment
from maquette.worlds.folders import paper_files
from maquette.worlds.generate import make_world
from maquette.worlds.options import TruthOptions, WorldOptions
from maquette.worlds.preview import write_sheet
from maquette.worlds.record import SceneRecord
from maquette.worlds.render import make_renderer
from maquette.worlds.run import record_of
from maquette.worlds.scene import to_scene
from maquette.worlds.types import View

STUFF = 60000
"""A label's segment has this id plus the label's: above all objects' ids."""


def render_still(options: WorldOptions, truth: TruthOptions, seed: int, number: int, out: Path) -> dict[str, Any]:
    """Render one world into a folder.

    It holds ``0.png`` and so on, with the truth beside them, as the layout ``folders`` has it; ``view0/depth.png`` and
    ``view0/panoptic.png`` with its JSON, in the exchange formats that ``maquette diorama`` takes too; ``scene.glb``;
    and ``sheet.png``, all passes at a glance.

    Args:
        options: What the world looks like.
        truth: What is written of it.
        seed: Of the data set that it is from.
        number: Of the scene.
        out: New folder.

    Returns:
        JSON-ready: ``name``, ``kind``, ``objects`` (their number) and ``pictures``.

    Raises:
        ExportError: The folder exists, or cannot be written.
        MaquetteError: An option is wrong, or the renderer is not installed.
    """
    if out.exists():
        raise ExportError(f"{shown(out)}: already there; choose another name")
    world = make_world(options, seed, number)
    with make_renderer(truth.renderer, truth.samples) as renderer:
        record = record_of(world, truth, renderer)
    with whole(out) as fresh:
        for name, content in paper_files(record, beside=True).items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(content)
        for index, view in enumerate(record.views):
            folder = fresh / f"view{index}"
            folder.mkdir()
            write_perception(perception_of(record, view), folder)
        to_scene(world).export(fresh / "scene.glb")
        write_sheet([record], fresh / "sheet.png")
    return {
        "name": record.name,
        "kind": record.kind,
        "objects": len(record.objects),
        "pictures": len(record.pictures),
    }


def perception_of(record: SceneRecord, view: View) -> Perception:
    """What a perfect perception would say of a picture: things one by one, stuff by its label."""
    things = {entry.id: BY_NAME[entry.label] for entry in record.objects if entry.isthing}
    isthing = np.isin(view.instance, list(things))
    ids = np.where(isthing, view.instance, view.semantic + np.int32(STUFF)).astype(np.int32)
    ids[~isthing & (view.semantic == 0)] = 0
    segments = [
        Segment(id_, things[id_] if id_ < STUFF else LABELS[id_ - STUFF - 1], 1.0)
        for id_ in np.unique(ids[ids > 0]).tolist()
    ]
    camera, rotation = view.camera, view.camera.T_world_camera[:3, :3]
    return Perception(
        segment_ids=ids,
        segments=tuple(segments),
        depth_m=np.where(view.depth_m > 0, view.depth_m, np.float32(SKY_DEPTH_M)),
        confidence=np.ones_like(view.depth_m),
        camera=camera,
        horizon_px=float(camera.center_px[1] - camera.focal_px * rotation[1, 2] / rotation[1, 1]),
    )
