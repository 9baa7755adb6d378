"""A trained network to one ONNX file: dynamic height and width, weights stored as half floats."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime
import torch
from onnx import helper
from torch import nn

OPSET = 17
OUTPUTS = ("semantic", "depth", "instance")
_SMALL = 64


def export(net: nn.Module, path: Path, outputs: tuple[str, ...] = OUTPUTS, half: bool = True, stride: int = 4) -> None:
    """Write ``net`` (one picture in, ``outputs`` out) to ``path``, which appears whole or not at all.

    Args:
        net: A module of a picture (1, 3, H, W) float32.
        path: Of the ONNX file.
        outputs: Names of what the module returns, in its order.
        half: Store the weights as float16, each behind a cast to float32; arithmetic stays float32.
        stride: Pixels of the picture for one of the outputs, along both axes.
    """
    shape = ("height", "width") if stride == 1 else (f"height_{stride}", f"width_{stride}")
    axes = {name: {2: shape[0], 3: shape[1]} for name in outputs}
    buffer = io.BytesIO()
    net.eval()
    sample = torch.zeros(1, 3, 256, 320)
    with torch.no_grad(), warnings.catch_warnings():
        # the tracer's doubts about constants; ``difference`` settles them at several sizes
        warnings.simplefilter("ignore")
        made = net(sample)
        channels = [x.shape[1] for x in (made if isinstance(made, tuple) else (made,))]
        torch.onnx.export(
            net,
            (sample,),
            buffer,  # type: ignore[arg-type]  # the stubs know only paths
            input_names=["image"],
            output_names=list(outputs),
            dynamic_axes={"image": {2: "height", 3: "width"}, **axes},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    _name_sizes(model, channels, shape)
    if half:
        halve(model)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_bytes(model.SerializeToString())
    os.replace(aside, path)


def _name_sizes(model: onnx.ModelProto, channels: list[int], shape: tuple[str, str]) -> None:
    for value, count in zip(model.graph.output, channels, strict=True):
        dims = value.type.tensor_type.shape.dim
        dims[0].dim_value, dims[1].dim_value = 1, count
        dims[2].dim_param, dims[3].dim_param = shape


def halve(graph: onnx.ModelProto) -> None:
    """Store float32 weights as float16 in place, each behind a cast to float32; arithmetic stays float32.

    What float16 cannot hold, and what is small, stays as it is.
    """
    casts = []
    for tensor in graph.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.size < _SMALL or np.abs(array).max() > np.finfo(np.float16).max:
            continue
        name, stored = tensor.name, f"{tensor.name}_f16"
        tensor.CopyFrom(onnx.numpy_helper.from_array(array.astype(np.float16), stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend([*casts, *nodes])


def round_weights(net: nn.Module) -> None:
    """Round every parameter of ``net`` in place as ``export`` stores it, so that both compute the same."""
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.numel() >= _SMALL:
                parameter.copy_(parameter.half().float())


def difference(net: nn.Module, path: Path, sizes: tuple[tuple[int, int], ...]) -> float:
    """Return the largest absolute difference between ``net`` and its ONNX file over random pictures.

    Args:
        net: The module, its weights rounded if the file's are.
        path: Of the ONNX file.
        sizes: Heights and widths to try.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    generator = torch.Generator().manual_seed(0)
    for height, width in sizes:
        image = torch.rand(1, 3, height // 16, width // 16, generator=generator) * 2 - 1
        image = nn.functional.interpolate(image, size=(height, width), mode="bilinear", align_corners=False)
        with torch.no_grad():
            ours = net(image)
        ours = ours if isinstance(ours, tuple) else (ours,)
        theirs = session.run(None, {"image": image.numpy()})
        worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs, strict=True)))
    return worst
