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


def write(
    path: Path, nodes: list, weights: dict[str, np.ndarray], outputs: dict[str, tuple], card: dict, inputs: tuple = ()
) -> Path:
    """Write an ONNX file and its contract beside it."""
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "h", "w"]), *inputs],
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


PLANE, FOCAL, SHIFT, UNIT_M = (0.25, 0.15, -0.2), 1.1, 1.7, 0.4
"""Of ``points``: inverse depth (constant, along x / z, along y / z), focal length in widths of the picture, metres."""


def points(path: Path, **contract: object) -> Path:
    """The interface of MoGe-2: a plane seen by a known camera, shifted and scaled, where the picture is red.

    The scale grows with ``num_tokens``, of which 1800 are right.
    """
    steps = """
        Shape image > height start=2 end=3; Cast height > h to=1; Squeeze h > rows
        Shape image > width start=3; Cast width > w to=1; Squeeze w > columns
        Range zero rows one > i; Range zero columns one > j
        Mul columns focal > f; Mul rows half > cy; Mul columns half > cx
        Add i half > i_mid; Sub i_mid cy > y_px; Div y_px f > y_line; Unsqueeze y_line last > y
        Add j half > j_mid; Sub j_mid cx > x_px; Div x_px f > x_line; Unsqueeze x_line first > x
        Mul x slope_x > along_x; Mul y slope_y > along_y; Add along_x along_y > along; Add along level > inverse
        Reciprocal inverse > z; Mul x z > px; Mul y z > py; Sub z shift > pz
        Unsqueeze px ends > qx; Unsqueeze py ends > qy; Unsqueeze pz ends > qz; Concat qx qy qz > metres axis=-1
        Div metres unit > points; Mul metres zero > flat; Add flat normal_z > normal
        Gather image zeroth > red axis=1; Sub red half > redness; Mul redness sharp > logit; Sigmoid logit > mask
        Cast num_tokens > tokens to=1; Mul tokens unit_of_token > one_scale; Unsqueeze one_scale first > scale
    """
    nodes = []
    for step in (step for line in steps.splitlines() for step in line.split(";") if step.strip()):
        before, after = step.split(">")
        kind, *inputs = before.split()
        options = dict(word.split("=") for word in after.split() if "=" in word)
        outputs = [word for word in after.split() if "=" not in word]
        nodes.append(helper.make_node(kind, inputs, outputs, **{name: int(value) for name, value in options.items()}))
    scalars = {
        "zero": 0, "one": 1, "half": 0.5, "focal": FOCAL, "level": PLANE[0], "slope_x": PLANE[1], "slope_y": PLANE[2],
        "shift": SHIFT, "unit": UNIT_M, "sharp": 50, "unit_of_token": UNIT_M / 1800,
    }  # fmt: skip
    axes = {"first": [0], "last": [1], "ends": [0, 3]}
    return write(
        path,
        nodes,
        {name: np.float32(value) for name, value in scalars.items()}
        | {name: np.array(value, np.int64) for name, value in axes.items()}
        | {"zeroth": np.int64(0), "normal_z": np.array([0, 0, -1], np.float32)},
        {
            "points": (TensorProto.FLOAT, [1, "h", "w", 3]),
            "normal": (TensorProto.FLOAT, [1, "h", "w", 3]),
            "mask": (TensorProto.FLOAT, [1, "h", "w"]),
            "scale": (TensorProto.FLOAT, [1]),
        },
        {
            "task": "depth",
            "input": {
                "name": "image",
                "pixels": 128 * 128,
                "multiple": 1,
                "constants": {"num_tokens": {"value": 1800}},
            },
            "output": {"kind": "points", "points": "points", "mask": "mask", "scale": "scale"} | contract,
        },
        (helper.make_tensor_value_info("num_tokens", TensorProto.INT64, []),),
    )
