"""ONNX networks of a few dozen weights that compute something known, one for each kind of contract."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

COLOURS = {"wall": (200, 180, 150), "floor": (120, 80, 40), "person": (220, 30, 30), "sky": (90, 160, 240)}
"""Category by colour (sRGB, 0 to 255), the truth of every picture that these networks see."""

INPUT = {"name": "image", "pixels": 128 * 128, "multiple": 8}


def colour_logits(sharpness: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights (c, 3, 1, 1) and bias (c,) of logits that are highest for the nearest of ``COLOURS`` (rgb from 0 to
    1)."""
    centres = np.array(list(COLOURS.values()), np.float32) / 255
    return sharpness * 2 * centres[:, :, None, None], -sharpness * (centres**2).sum(1)


def write(path: Path, nodes: list, weights: dict[str, np.ndarray], outputs: dict[str, tuple], card: dict) -> Path:
    """Write an ONNX file and its contract beside it."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def label_logits(path: Path) -> Path:
    """Class logits (1, 4, h / 2, w / 2) by colour."""
    weight, bias = colour_logits()
    return write(
        path,
        [
            helper.make_node("AveragePool", ["image"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Conv", ["half", "weight", "bias"], ["logits"]),
        ],
        {"weight": weight, "bias": bias},
        {"logits": (TensorProto.FLOAT, [1, 4, "a", "b"])},
        {
            "task": "panoptic",
            "input": INPUT,
            "output": {"kind": "label_map", "classes": "logits", "categories": list(COLOURS)},
        },
    )


def label_indices(path: Path) -> Path:
    """Class index (1, h, w) by colour, int64."""
    weight, bias = colour_logits()
    return write(
        path,
        [
            helper.make_node("Conv", ["image", "weight", "bias"], ["logits"]),
            helper.make_node("ArgMax", ["logits"], ["labels"], axis=1, keepdims=0),
        ],
        {"weight": weight, "bias": bias},
        {"labels": (TensorProto.INT64, [1, "h", "w"])},
        {
            "task": "panoptic",
            "input": INPUT,
            "output": {"kind": "label_map", "classes": "labels", "categories": list(COLOURS)},
        },
    )


def query_masks(path: Path, nothing: bool = False) -> Path:
    """Six queries: one a colour, a second wall, and one that is nothing; masks by colour at a quarter of the size.

    With ``nothing`` all six are.
    """
    weight, bias = colour_logits()
    classes = np.full((1, 6, 5), -4.0, np.float32)
    classes[0, np.arange(6), [4] * 6 if nothing else [0, 1, 2, 3, 0, 4]] = 4.0
    return write(
        path,
        [
            helper.make_node("AveragePool", ["image"], ["quarter"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Conv", ["quarter", "weight", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["share"], axis=1),
            helper.make_node("Conv", ["share", "choose", "half"], ["masks"]),
            helper.make_node("Identity", ["table"], ["classes"]),
        ],
        {
            "weight": weight,
            "bias": bias,
            "choose": 20 * np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0, 1]][:, :, None, None],
            "half": np.full(6, -10, np.float32),
            "table": classes,
        },
        {
            "masks": (TensorProto.FLOAT, [1, 6, "a", "b"]),
            "classes": (TensorProto.FLOAT, [1, 6, 5]),
        },
        {
            "task": "panoptic",
            "input": INPUT,
            "output": {"kind": "query_masks", "classes": "classes", "masks": "masks", "categories": list(COLOURS)},
        },
    )


def depth(path: Path, kind: str, scale: float = 10.0, shift: float = 1.0, **contract: object) -> Path:
    """``scale * red + shift``, red from 0 to 1, as (1, 1, h, w)."""
    return write(
        path,
        [helper.make_node("Conv", ["image", "weight", "bias"], ["depth"])],
        {
            "weight": np.array([scale, 0, 0], np.float32).reshape(1, 3, 1, 1),
            "bias": np.array([shift], np.float32),
        },
        {"depth": (TensorProto.FLOAT, [1, 1, "h", "w"])},
        {"task": "depth", "input": INPUT, "output": {"name": "depth", "kind": kind, **contract}},
    )
