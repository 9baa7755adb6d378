"""Pictures for demos and tests without a download: photographs that scikit-image's wheel carries, and our own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from maquette.errors import MaquetteError

FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
"""Name of an example to its file in ``skimage/data``."""


def example(name: str) -> Path:
    """Return the path of an example photo.

    Args:
        name: A key of ``FILES``.

    Raises:
        MaquetteError: The installed scikit-image does not carry that file.
    """
    spec = find_spec("skimage")  # imports nothing, and skimage.data would bring in pooch
    origin = spec.origin if spec else None
    path = Path(origin or "").parent / "data" / FILES[name]
    if not path.is_file():
        raise MaquetteError(
            f"{path}: scikit-image does not carry this picture; reinstall scikit-image, or name a photo"
        )
    return path


def studio_example() -> tuple[Path, ...]:
    """Return the paths of three pictures of the studio, rendered from a world: one of each camera, in their order."""
    folder = Path(__file__).parent / "voxels" / "example"
    return tuple(folder / f"{number}.webp" for number in (1, 2, 3))
