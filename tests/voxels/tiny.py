"""ONNX networks without training that keep the contracts of voxel networks, and drawn rooms that they understand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from maquette.camera import Camera
from maquette.voxels.rig import CELLS, studio_rig
from maquette.voxels.types import CLASSES, COLORS

CARD = {
    "task": "voxels",
    "licence_code": "Apache-2.0",
    "licence_weights": "Apache-2.0",
    "training_data": "nothing",
    "output": {"kind": "lifting", "thresholds": {"occupancy": 0.6, "classes": 0.5}, "classes": list(CLASSES)},
}

BOXES = {"chair": ((-0.8, 0.0, -0.5), (-0.4, 0.9, -0.1)), "table": ((0.2, 0.0, 0.3), (1.4, 0.75, 1.0))}
"""Two boxes, (low, high) in metres of the studio, that stand for an object of their class."""


def hull(path: Path, occupancy: str = "Reshape least shape > occupancy") -> Path:
    """A lifting network: ``occupancy`` is the least brightness (of the brightest channel, from 0 to 1) that any view
    has where it sees the middle of a cell, 0 behind a camera and 0.5 out of its picture; ``classes`` are those whose
    colour in ``COLORS`` is nearest to the mean over the views. ``occupancy`` is its last step, to spoil it."""
    steps = f"""
        Reshape x along_x > xr; Reshape y along_y > yr; Reshape z along_z > zr
        Mul xr zero > x0; Mul yr zero > y0; Mul zr zero > z0; Add x0 y0 > xy0; Add xy0 z0 > nought
        Add nought xr > gx; Add nought yr > gy; Add nought zr > gz; Add nought one > g1
        Reshape gx flat > px; Reshape gy flat > py; Reshape gz flat > pz; Reshape g1 flat > p1
        Concat px py pz p1 > points axis=0; MatMul projection points > seen
        Split seen > ud vd d axis=1; Div ud d > u; Div vd d > v; Concat u v > uv axis=1
        Transpose uv > vu perm=0,2,1; Unsqueeze vu second > at; GridSample images at > colours_ align_corners=0
        Squeeze colours_ third > colours; ReduceMax colours > bright axes=1; Mul bright half > b; Add b half > share
        Greater d zero > ahead_; Cast ahead_ > ahead to=1; Mul share ahead > shown
        ReduceMin shown > least_ axes=0; Clip least_ zero one > least
        Shape x > nx; Shape y > ny; Shape z > nz; Concat nx ny nz > shape axis=0; Concat six nx ny nz > six_shape axis=0
        {occupancy}
        ReduceMean colours > mean axes=0; Transpose mean > mean_t perm=0,2,1; Unsqueeze mean_t second > each
        Sub each palette > off; Mul off off > off2; ReduceSum off2 last > far keepdims=0; Mul far sharp > logits
        Softmax logits > soft axis=2; Transpose soft > soft_t perm=0,2,1; Reshape soft_t six_shape > classes
    """
    weights = {
        "along_x": np.array([-1, 1, 1]), "along_y": np.array([1, -1, 1]), "along_z": np.array([1, 1, -1]),
        "flat": np.array([1, -1]), "second": np.array([2]), "third": np.array([3]), "last": np.array([3]),
        "six": np.array([6]), "zero": np.float32(0), "one": np.float32(1), "half": np.float32(0.5),
        "sharp": np.float32(-20), "palette": np.array([COLORS[name] for name in CLASSES], np.float32) / 127.5 - 1,
    }  # fmt: skip
    inputs = [
        ("images", TensorProto.FLOAT, ["v", 3, 224, 224]),
        ("projection", TensorProto.FLOAT, ["v", 3, 4]),
        *((name, TensorProto.FLOAT, [f"n{name}"]) for name in "xyz"),
    ]
    return _write(path, steps, weights, inputs, CARD)


def by_heart(path: Path) -> Path:
    """A network for the studio alone: ``occupancy`` is the mean brightness of all pictures, in every cell; ``classes``
    the share of pictures that camera 0, 1, 2 took, and 0."""
    steps = """
        ReduceMean images > mean axes=0,1,2,3 keepdims=0; Mul mean half > m; Add m half > share
        Expand share cells > occupancy
        OneHot view six_deep off_on > each axis=-1; ReduceMean each > shares axes=0 keepdims=0
        Reshape shares upright > tall; Expand tall six_cells > classes
    """
    weights = {
        "half": np.float32(0.5), "cells": np.array(CELLS), "six_deep": np.array([6]),
        "off_on": np.array([0, 1], np.float32), "upright": np.array([6, 1, 1, 1]), "six_cells": np.array([6, *CELLS]),
    }  # fmt: skip
    inputs = [("images", TensorProto.FLOAT, ["v", 3, 224, 224]), ("view", TensorProto.INT64, ["v"])]
    return _write(path, steps, weights, inputs, {**CARD, "output": {**CARD["output"], "kind": "fixed"}})


def draw(camera: Camera, boxes: Mapping[str, tuple[Sequence[float], Sequence[float]]] = BOXES) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: what a camera sees of boxes, each in its class's colour, before black."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    rays = camera.unproject(np.stack([x, y], axis=-1), np.ones(x.shape)) @ camera.T_world_camera[:3, :3].T
    eye = camera.T_world_camera[:3, 3]
    picture, nearest = np.zeros((*x.shape, 3), np.uint8), np.full(x.shape, np.inf)
    for name, sides in boxes.items():
        hits = np.sort([(np.array(side) - eye) / rays for side in sides], axis=0)
        enter, leave = hits[0].max(axis=-1), hits[1].min(axis=-1)
        seen = (enter < leave) & (leave > 0) & (enter < nearest)
        picture[seen], nearest[seen] = COLORS[name], enter[seen]
    return picture


def document() -> dict[str, Any]:
    """The studio as ``transforms.json`` has it, with photos ``a``, ``b`` and ``c``."""
    rig = studio_rig()
    first = rig.cameras[0]
    return {
        "fl_x": first.focal_px, "fl_y": first.focal_px, "w": first.width, "h": first.height,
        "frames": [
            {"file_path": f"images/{name}.png", "transform_matrix": camera.T_world_gltf.tolist()}
            for name, camera in zip("abc", rig.cameras, strict=True)
        ],
        "grid": {
            "shape": list(rig.grid.shape), "cell_m": rig.grid.cell_m, "T_world_grid": rig.grid.T_world_grid.tolist()
        },
    }  # fmt: skip


def _write(
    path: Path, steps: str, weights: Mapping[str, NDArray], inputs: Sequence[tuple], card: Mapping[str, object]
) -> Path:
    nodes = []
    for step in (step for line in steps.splitlines() for step in line.split(";") if step.strip()):
        before, after = step.split(">")
        kind, *names = before.split()
        words = [word.partition("=") for word in after.split()]
        options = {name: [int(number) for number in value.split(",")] for name, sign, value in words if sign}
        lists = ("axes", "perm")
        options = {name: value if name in lists else value[0] for name, value in options.items()}
        nodes.append(helper.make_node(kind, names, [name for name, sign, _ in words if not sign], **options))
    arrays = {name: value.astype(np.int64) if value.dtype.kind == "i" else value for name, value in weights.items()}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [
            helper.make_tensor_value_info("occupancy", TensorProto.FLOAT, ["i", "j", "k"]),
            helper.make_tensor_value_info("classes", TensorProto.FLOAT, [6, "i", "j", "k"]),
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    path.with_suffix(".json").write_text(json.dumps(card))
    return path
