"""One photo in, an editable layered 3D scene out.

>>> import maquette
>>> scene = maquette.diorama("photo.jpg")
>>> scene.export("scene.glb")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from maquette.api import diorama, voxels
from maquette.errors import ExportError, MaquetteError, ModelError, PhotoError

if TYPE_CHECKING:
    from maquette.camera import Camera
    from maquette.diorama.options import DioramaOptions
    from maquette.labels import LABELS, Label
    from maquette.models.types import Network
    from maquette.perception import perceive
    from maquette.perception.options import PerceptionOptions
    from maquette.perception.types import Perception, Segment
    from maquette.photo import Photo, load_photo
    from maquette.scene import Body, Material, Mesh, Node, Plane, Relief, Scene
    from maquette.voxels.build import VoxelScene
    from maquette.voxels.options import VoxelOptions
    from maquette.voxels.types import VoxelGrid, VoxelObject

__version__ = "0.1.0"

__all__ = [
    "LABELS",
    "Body",
    "Camera",
    "DioramaOptions",
    "ExportError",
    "Label",
    "MaquetteError",
    "Material",
    "Mesh",
    "ModelError",
    "Network",
    "Node",
    "Perception",
    "PerceptionOptions",
    "Photo",
    "PhotoError",
    "Plane",
    "Relief",
    "Scene",
    "Segment",
    "VoxelGrid",
    "VoxelObject",
    "VoxelOptions",
    "VoxelScene",
    "__version__",
    "diorama",
    "load_photo",
    "perceive",
    "voxels",
]

# Loaded when first asked for (PEP 562): numpy alone would double the time that `maquette --version` takes.
_HOME = {
    "Body": "maquette.scene",
    "Camera": "maquette.camera",
    "DioramaOptions": "maquette.diorama.options",
    "LABELS": "maquette.labels",
    "Label": "maquette.labels",
    "Material": "maquette.scene",
    "Mesh": "maquette.scene",
    "Network": "maquette.models.types",
    "Node": "maquette.scene",
    "Perception": "maquette.perception.types",
    "PerceptionOptions": "maquette.perception.options",
    "Photo": "maquette.photo",
    "Plane": "maquette.scene",
    "Relief": "maquette.scene",
    "Scene": "maquette.scene",
    "Segment": "maquette.perception.types",
    "VoxelGrid": "maquette.voxels.types",
    "VoxelObject": "maquette.voxels.types",
    "VoxelOptions": "maquette.voxels.options",
    "VoxelScene": "maquette.voxels.build",
    "load_photo": "maquette.photo",
    "perceive": "maquette.perception",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'maquette' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
