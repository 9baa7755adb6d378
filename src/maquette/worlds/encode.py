"""A scene's record as files, and back: ``docs/worlds.md`` lists every file, array, shape and unit.

The same record gives the same bytes: nothing here carries a time or a name of its own. Nothing is pickled.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maquette.camera import Camera
from maquette.errors import MaquetteError
from maquette.export.png import encode_png
from maquette.worlds.record import FrustumVolume, Grid, ObjectRecord, ObjectShape, SceneRecord, Visibility
from maquette.worlds.types import OrientedBox, View

FORMAT = "maquette-world"
VERSION = 1

Files = Mapping[str, bytes]
"""Contents of a scene's files by name: ``json``, ``view0.png``, ``view0.npz``, ``grid.npz`` ..."""


def encode(record: SceneRecord) -> dict[str, bytes]:
    """Encode a record.

    Everything comes back as it was, but normals: they are kept as float16, and turn by less than 0.05 degrees.

    Args:
        record: One scene.

    Returns:
        Contents by name.
    """
    files = {"json": _json(record)}
    for index, picture in enumerate(record.pictures):
        files[f"view{index}.png"] = encode_png(picture)
    for index, view in enumerate(record.views):
        files[f"view{index}.npz"] = npz(
            {
                "depth_m": view.depth_m,
                "semantic": view.semantic,
                "instance": view.instance,
                "normals_cam": view.normals_cam.astype(np.float16),
                **_packed("amodal", view.amodal),
            }
        )
    grid = {**_packed("occupancy", record.occupancy), **_packed("classes", record.classes)}
    if grid:
        files["grid.npz"] = npz(grid)
    for index, volume in enumerate(record.volumes):
        files[f"volume{index}.npz"] = npz(
            {
                "distance": volume.distance,
                "semantic": volume.semantic,
                "instance": volume.instance,
                **_packed("frustum", volume.frustum),
            }
        )
    if record.shapes:
        files["shapes.npz"] = npz(
            {
                name: sdf
                for shape in record.shapes
                for name, sdf in (
                    (f"sdf{shape.id}", shape.sdf),
                    *((f"partial{shape.id}_{view}", sdf) for view, sdf in shape.partial.items()),
                )
            }
        )
    return files


def decode(files: Files, origin: str) -> SceneRecord:
    """Give back the record that ``encode`` took.

    Args:
        files: Contents by name; names that ``encode`` does not give are ignored.
        origin: Which scene of which file it is, for error messages.

    Raises:
        MaquetteError: A file is missing or damaged.
    """
    try:
        return _decode(files)
    except MaquetteError as error:
        raise MaquetteError(f"{origin}: {error}") from error
    except (KeyError, ValueError, TypeError, OSError, EOFError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise MaquetteError(f"{origin}: damaged ({reason}); make the data set again") from error


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Encode arrays as NumPy's npz.

    Unlike those of ``np.savez_compressed``, arrays are compressed at zlib's fastest level, and float32 ones (depth)
    not at all: compressing those takes as long as all else together and saves a fifth.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980-01-01
            member.create_system = 3  # as on Unix, everywhere
            member.compress_type = zipfile.ZIP_STORED if array.dtype == np.float32 else zipfile.ZIP_DEFLATED
            file.writestr(member, npy(array), compresslevel=1)
    return stream.getvalue()


def npy(array: NDArray[Any]) -> bytes:
    """Encode an array as NumPy's npy."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def read_picture(data: bytes) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 of a PNG."""
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.array(image.convert("RGB"))


def _json(record: SceneRecord) -> bytes:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "name": record.name,
        "kind": record.kind,
        "pictures": len(record.pictures),
        "cameras": [vars(view.camera) for view in record.views],
        "objects": [{**vars(entry), "box": vars(entry.box), "visibility": _seen(entry)} for entry in record.objects],
        "room": record.room and asdict(record.room),
        "grid": record.grid and vars(record.grid),
        "volumes": [
            {"view": volume.view, "truncation": volume.truncation, "grid": vars(volume.grid)}
            for volume in record.volumes
        ],
        "shapes": [{"id": shape.id, "views": sorted(shape.partial)} for shape in record.shapes],
        "settings": dict(record.settings),
    }
    return json.dumps(content, default=_plain, allow_nan=False, separators=(",", ":")).encode()


def _seen(entry: ObjectRecord) -> list[dict[str, Any]]:
    return [vars(seen) for seen in entry.visibility]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _packed(name: str, mask: NDArray[np.bool_] | None) -> dict[str, NDArray[Any]]:
    """A mask as bits, most significant first, with its shape; nothing where there is none."""
    if mask is None:
        return {}
    return {f"{name}_bits": np.packbits(mask), f"{name}_shape": np.array(mask.shape, np.int64)}


def _unpacked(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.bool_] | None:
    if f"{name}_bits" not in arrays:
        return None
    shape = arrays[f"{name}_shape"]
    return np.unpackbits(arrays[f"{name}_bits"], count=int(shape.prod())).view(np.bool_).reshape(shape)


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
        return dict(loaded)


def _decode(files: Files) -> SceneRecord:
    content = json.loads(files["json"])
    if content["format"] != FORMAT or content["version"] != VERSION:
        raise MaquetteError(f"written by another version ({content['format']} {content['version']}); update maquette")
    pictures = [read_picture(files[f"view{index}.png"]) for index in range(content["pictures"])]
    views = [
        _view(_camera(camera), pictures[index], _arrays(files[f"view{index}.npz"]))
        for index, camera in enumerate(content["cameras"])
    ]
    grid = _arrays(files["grid.npz"]) if "grid.npz" in files else {}
    volumes = [_volume(entry, _arrays(files[f"volume{index}.npz"])) for index, entry in enumerate(content["volumes"])]
    shapes = _arrays(files["shapes.npz"]) if content["shapes"] else {}
    return SceneRecord(
        name=content["name"],
        kind=content["kind"],
        views=tuple(views),
        pictures=np.array(pictures, np.uint8),
        objects=tuple(_object(entry) for entry in content["objects"]),
        room=content["room"] and _box(content["room"]),
        grid=content["grid"] and _grid(content["grid"]),
        occupancy=_unpacked(grid, "occupancy"),
        classes=_unpacked(grid, "classes"),
        volumes=tuple(volumes),
        shapes=tuple(
            ObjectShape(
                entry["id"],
                shapes[f"sdf{entry['id']}"],
                {view: shapes[f"partial{entry['id']}_{view}"] for view in entry["views"]},
            )
            for entry in content["shapes"]
        ),
        settings=content["settings"],
    )


def _camera(entry: Mapping[str, Any]) -> Camera:
    return Camera(
        entry["width"],
        entry["height"],
        entry["focal_px"],
        _tuple(entry["center_px"]),
        np.array(entry["T_world_camera"]),
    )


def _view(camera: Camera, picture: NDArray[np.uint8], arrays: Mapping[str, NDArray[Any]]) -> View:
    return View(
        camera,
        picture,
        arrays["depth_m"],
        arrays["semantic"],
        arrays["instance"],
        arrays["normals_cam"].astype(np.float32),
        _unpacked(arrays, "amodal"),
    )


def _box(entry: Mapping[str, Any]) -> OrientedBox:
    return OrientedBox(_tuple(entry["center"]), _tuple(entry["size"]), entry["yaw_rad"])


def _grid(entry: Mapping[str, Any]) -> Grid:
    return Grid(_tuple(entry["shape"]), entry["cell_m"], np.array(entry["T_world_grid"]))


def _object(entry: Mapping[str, Any]) -> ObjectRecord:
    seen = [
        Visibility(_tuple(v["box"]), _tuple(v["amodal_box"]), v["visible_px"], v["amodal_px"])
        for v in entry["visibility"]
    ]
    return ObjectRecord(
        **{
            **entry,
            "box": _box(entry["box"]),
            "T_world_canonical": np.array(entry["T_world_canonical"]),
            "visibility": tuple(seen),
        }
    )


def _volume(entry: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> FrustumVolume:
    frustum = _unpacked(arrays, "frustum")
    if frustum is None:
        raise KeyError("frustum_bits")
    return FrustumVolume(
        _grid(entry["grid"]),
        entry["view"],
        arrays["distance"],
        entry["truncation"],
        arrays["semantic"],
        arrays["instance"],
        frustum,
    )


def _tuple(values: Any) -> Any:
    return None if values is None else tuple(values)
