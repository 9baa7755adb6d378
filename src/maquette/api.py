"""From a picture to a scene in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

# Python binds a submodule to its package when it first loads it. Loading the subpackage here, before `maquette` takes the
# function of the same name, is what keeps `maquette.diorama` the function for good.
from maquette.diorama.options import DioramaOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from maquette.perception.options import PerceptionOptions
    from maquette.perception.types import Perception
    from maquette.scene import Scene


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
        progress: Called with a few words at the start of each stage.

    Returns:
        The scene, ready for ``Scene.export``.

    Raises:
        PhotoError: The picture cannot be used.
        ModelError: A network is missing, altered, or does not keep its contract.
        MaquetteError: An option or a file that it names cannot be used.
    """
    from maquette.diorama.build import build
    from maquette.perception import perceive
    from maquette.perception.options import PerceptionOptions
    from maquette.photo import load_photo

    photo = load_photo(source)
    if perception is None or isinstance(perception, PerceptionOptions):
        perception = perceive(photo, perception or PerceptionOptions(), threads=threads, progress=progress)
    return build(photo, perception, options or DioramaOptions(), progress=progress)
