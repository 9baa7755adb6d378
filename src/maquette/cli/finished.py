"""What an output folder holds already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maquette.errors import ExportError

CONTENTS = frozenset(
    (
        "depth.png layers panoptic.json panoptic.png parallax.webp preview.html preview.png scene.glb scene.json "
        "source.jpg transforms.json"
    ).split()
)
"""Everything that lies in a finished folder."""


def finished_scene(folder: Path) -> dict[str, Any] | None:
    """Return what ``scene.json`` says in a folder that maquette made, or None where there is no folder or an empty one.

    Raises:
        ExportError: Something stands there that maquette did not make.
    """
    from maquette.export.folder import FORMAT

    try:
        if not folder.exists() or not any(folder.iterdir()):
            return None
        scene = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
    except NotADirectoryError as error:
        raise ExportError(f"{folder}: a file stands there; name another folder") from error
    except FileNotFoundError as error:
        raise ExportError(f"{folder}: holds files and no scene, so it is left alone; name another folder") from error
    except OSError as error:
        raise ExportError(f"{folder}: cannot be read ({error.strerror}); name a folder of your own") from error
    except ValueError as error:
        raise ExportError(f"{folder / 'scene.json'}: damaged; remove the folder, or name another") from error
    if not isinstance(scene, dict) or scene.get("format") != FORMAT:
        raise ExportError(f"{folder / 'scene.json'}: not of maquette, so it is left alone; name another folder")
    return scene


def check_replaceable(folder: Path) -> None:
    """Check that replacing a finished folder loses nothing but what maquette made.

    Raises:
        ExportError: It holds something else too.
    """
    foreign = sorted({entry.name for entry in folder.iterdir()} - CONTENTS)
    if foreign:
        raise ExportError(f"{folder}: holds {foreign[0]}, which maquette did not make; move it, or name another folder")


def same_request(settings: Mapping[str, Any], request: Mapping[str, Any], networks: Sequence[Any]) -> bool:
    """Whether a scene with these settings is what a request would make again.

    Args:
        settings: From ``scene.json``.
        request: Version, photo and options, as they would be recorded in ``settings``.
        networks: Those that the request may use, as they would be recorded in ``settings``.
    """
    wanted = json.loads(json.dumps(request))
    return all(settings.get(key) == value for key, value in wanted.items()) and all(
        network in networks for network in settings.get("networks", [])
    )
