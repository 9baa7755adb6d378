"""From a picture to a scene in one call."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Python binds a submodule to its package when it first loads it. That the subpackages are loaded here, before
# `maquette` takes the functions of the same names, is what keeps these functions for good.
from maquette.diorama.options import DioramaOptions
from maquette.errors import MaquetteError
from maquette.voxels.options import VoxelOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from maquette.perception.options import PerceptionOptions
    from maquette.perception.types import Perception
    from maquette.photo import Photo
    from maquette.scene import Scene
    from maquette.voxels.build import VoxelScene


def diorama(
    source: str | Path | bytes | Image.Image | NDArray[np.generic],
    *,
    options: DioramaOptions | None = None,
    perception: PerceptionOptions | Perception | None = None,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Scene:
    """Make a layered 3D scene from one photo.

    Args:
        source: Path of a picture file, its bytes, a PIL image, or an (H, W), (H, W, 3) or (H, W, 4) array.
        options: How the photo is cut into layers.
        perception: Where segments, depth and camera come from; or a perception of this very photo, made before.
        threads: Threads for the networks; 0 leaves the choice to the tool. The scene does not depend on it.
        progress: Called with the name of each step as it begins.

    Returns:
        The scene, ready for ``Scene.export``.

    Raises:
        PhotoError: The picture cannot be used.
        ModelError: A network is missing, altered, or does not keep its contract.
        MaquetteError: An option, or a file that it names, cannot be used.
    """
    from maquette.photo import load_photo

    return perceive_and_build(load_photo(source), options, perception, threads=threads, progress=progress)[0]


def voxels(
    sources: Sequence[str | Path | bytes | Image.Image | NDArray[np.generic]],
    *,
    options: VoxelOptions | None = None,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
) -> VoxelScene:
    """Make labelled voxels of a room from the photos of a calibrated rig.

    Args:
        sources: One photo of each camera or of some of them: paths of picture files, their bytes, PIL images, or
            (H, W), (H, W, 3) or (H, W, 4) arrays.
        options: The rig, the cells and the network.
        threads: Threads for the network; 0 leaves the choice to the tool. The result does not depend on it.
        progress: Called with the name of each step as it begins.

    Returns:
        Cells, objects and meshes, ready for ``VoxelScene.export``.

    Raises:
        PhotoError: A picture cannot be used.
        ModelError: The network is missing, altered, or does not keep its contract.
        MaquetteError: An option, or the file of the rig, cannot be used.
    """
    from maquette.photo import load_photo
    from maquette.voxels.build import build

    return build([load_photo(source) for source in sources], options, threads=threads, progress=progress)


def perceive_and_build(
    photo: Photo,
    options: DioramaOptions | None = None,
    perception: PerceptionOptions | Perception | None = None,
    *,
    threads: int = 0,
    progress: Callable[[str], None] | None = None,
) -> tuple[Scene, Perception]:
    """Make a scene whose settings name every option, and return it with its perception; see ``diorama``."""
    from maquette.diorama.build import build
    from maquette.perception import perceive
    from maquette.perception.options import PerceptionOptions

    if perception is None:
        perception = PerceptionOptions()
    record: dict[str, Any] = {}
    if isinstance(perception, PerceptionOptions):
        record = {"perception": perception_record(perception)}
        perception = perceive(photo, perception, threads=threads, progress=progress)
    scene = build(photo, perception, options or DioramaOptions(), progress=progress)
    return dataclasses.replace(scene, settings={**scene.settings, **record}), perception


def perception_record(options: PerceptionOptions) -> dict[str, Any]:
    """Return perception's options as JSON, in which a file stands as its name and sha256.

    Raises:
        MaquetteError: A file that the options name cannot be read.
    """
    record = dataclasses.asdict(options)
    for name in ("depth", "segments"):
        path = record[name]
        if path is not None:
            card = path.with_suffix(".json")
            record[name] = [_file_record(file) for file in (path, card) if file is path or card.is_file()]
    record["models"] = [
        [_file_record(Path(name)), _file_record(Path(name).with_suffix(".json"))] if name.endswith(".onnx") else name
        for name in options.models
    ]
    return record


def _file_record(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            name = path.name.encode(errors="replace").decode()  # a name need not be valid unicode, JSON must
            return {"file": name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
    except OSError as error:
        raise MaquetteError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error
