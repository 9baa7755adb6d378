"""A trained voxel network to one ONNX file that needs nothing else, and back."""

from __future__ import annotations

import dataclasses
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from maquette.export.atomic import whole
from maquette.train.export import OPSET, halve, round_weights
from maquette.train.nets.everted import Everted
from maquette.train.nets.extractor import SIDE, Extractor, MobileNet
from maquette.train.nets.lifting import Lifting
from maquette.train.voxels.loop import make_network
from maquette.train.voxels.options import Kind, TrainOptions

INPUTS: dict[Kind, tuple[str, ...]] = {
    "lifting": ("images", "projection", "x", "y", "z"),
    "everted": ("images", "view"),
}
_AXES = {"images": "views", "projection": "views", "view": "views", "x": "X", "y": "Y", "z": "Z"}
_NAME, _WIDTHS = "network", "widths"


class LiftingFile(nn.Module):
    """What an ONNX file of ``lifting`` computes."""

    def __init__(self, extractor: Extractor, net: Lifting) -> None:
        """Put a network behind its frozen features."""
        super().__init__()
        self.extractor, self.net = extractor, net

    def forward(self, images: Tensor, projection: Tensor, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities: occupancy (X, Y, Z) and classes (6, X, Y, Z); see ``maquette.voxels.network``."""
        logits = self.net(images.unsqueeze(0), self.extractor(images), projection.unsqueeze(0), x, y, z)
        probability = logits[0].sigmoid()
        return probability[0], probability[1:]


class EvertedFile(nn.Module):
    """What an ONNX file of ``everted`` computes."""

    def __init__(self, extractor: Extractor, net: Everted) -> None:
        """Put a network behind its frozen features."""
        super().__init__()
        self.extractor, self.net = extractor, net

    def forward(self, images: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities: occupancy (80, 96, 64) and classes (6, 80, 96, 64)."""
        made = self.net(self.extractor(images).f16.unsqueeze(0), view.unsqueeze(0))
        return made.occupancy[0, 0], made.classes[0]


def complete(extractor: Extractor, net: Lifting | Everted) -> LiftingFile | EvertedFile:
    """Put a network behind its frozen features, as it is exported: without batch normalisation or gradients."""
    made = LiftingFile(extractor, net) if isinstance(net, Lifting) else EvertedFile(extractor, net)
    made.eval().requires_grad_(False)
    for module in list(made.modules()):
        if isinstance(module, nn.Sequential):
            _fold(module)
    return made


def _fold(steps: nn.Sequential) -> None:
    """Put the batch normalisations of a sequence into the convolutions before them."""
    for at in range(len(steps) - 1):
        convolution, normal = steps[at], steps[at + 1]
        if isinstance(normal, nn.BatchNorm2d | nn.BatchNorm3d):
            transposed = isinstance(convolution, nn.ConvTranspose3d)
            steps[at] = fuse_conv_bn_eval(convolution, normal, transposed)  # type: ignore[type-var]
            steps[at + 1] = nn.Identity()


def sample(kind: Kind, views: int, cells: tuple[int, int, int], seed: int = 0) -> tuple[Tensor, ...]:
    """Random inputs of a network of some kind: smooth pictures, and cameras before a grid of cells of 5 cm."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(views, 3, SIDE // 16, SIDE // 16, generator=generator) * 2 - 1
    images = nn.functional.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    if kind == "everted":
        return images, torch.arange(views) % 3
    projection = torch.randn(views, 3, 4, generator=generator) * 0.3
    projection[:, 2, 3] = 4.0
    x, y, z = ((torch.arange(count) + 0.5) * 0.05 for count in cells)
    return images, projection, x, y, z


def write(made: LiftingFile | EvertedFile, path: Path) -> None:
    """Round the weights of a network to half floats, in place, and write it.

    Args:
        made: As ``complete`` gives it.
        path: Of the ONNX file, which appears whole or not at all.
    """
    kind: Kind = "lifting" if isinstance(made, LiftingFile) else "everted"
    round_weights(made)
    buffer = io.BytesIO()
    axes = {name: {0: _AXES[name]} for name in INPUTS[kind]}
    if kind == "lifting":
        axes |= {"occupancy": {0: "X", 1: "Y", 2: "Z"}, "classes": {1: "X", 2: "Y", 3: "Z"}}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's doubts about constants; ``difference`` settles them
        torch.onnx.export(
            made,
            sample(kind, 3, (80, 96, 64)),
            buffer,  # type: ignore[arg-type]  # the stubs know only paths
            input_names=list(INPUTS[kind]),
            output_names=["occupancy", "classes"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    halve(model)
    widths = made.net.widths
    onnx.helper.set_model_props(model, {_NAME: kind, _WIDTHS: json.dumps(widths)})
    onnx.checker.check_model(model, full_check=True)
    with whole(path) as fresh:
        fresh.write_bytes(model.SerializeToString())


def load(path: Path) -> LiftingFile | EvertedFile:
    """Return what ``write`` wrote of a network over the embedded perception network's features.

    Raises:
        ValueError: The file holds another network.
    """
    model = onnx.load(path)
    said: dict[str, Any] = {entry.key: entry.value for entry in model.metadata_props}
    found = {
        tensor.name.removesuffix("_f16"): torch.from_numpy(numpy_helper.to_array(tensor).astype(np.float32))
        for tensor in model.graph.initializer
    }
    if _NAME not in said:
        raise ValueError(f"{path}: not a voxel network of maquette's")
    extractor = MobileNet(trained=False)
    options = dataclasses.replace(_options(found), network=said[_NAME], widths=tuple(json.loads(said[_WIDTHS])))
    made = complete(extractor, make_network(options, extractor.channels))
    own = made.state_dict()
    if missing := [name for name in own if name not in found]:
        raise ValueError(f"{path}: not this network, it lacks {missing[0]}")
    made.load_state_dict({name: found[name] for name in own})
    return made


def _options(found: dict[str, Tensor]) -> TrainOptions:
    """The options of ``everted`` that shapes tell."""
    layers = [name for name in found if name.startswith("net.fuse_occupancy.layers") and name.endswith("0.weight")]
    cameras = found.get("net.camera.weight")
    width = found[layers[0]].shape[0] if layers else TrainOptions.fusion_width
    return TrainOptions(fusion_depth=len(layers), fusion_width=width, cameras=0 if cameras is None else len(cameras))


def difference(made: LiftingFile | EvertedFile, path: Path) -> float:
    """Return the largest absolute difference of probabilities between a network and its ONNX file.

    One to four views are tried, and grids of several shapes where the network takes them.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    kind: Kind = "lifting" if isinstance(made, LiftingFile) else "everted"
    grids = ((80, 96, 64), (32, 16, 48)) if kind == "lifting" else ((80, 96, 64),)
    worst = 0.0
    for cells in grids:
        for views in (1, 2, 3, 4):
            inputs = sample(kind, views, cells, seed=views)
            with torch.inference_mode():
                ours = made(*inputs)
            given = {name: value.numpy() for name, value in zip(INPUTS[kind], inputs, strict=True)}
            theirs = session.run(["occupancy", "classes"], given)
            worst = max(worst, *(float(np.abs(a.numpy() - b).max()) for a, b in zip(ours, theirs, strict=True)))
    return worst
