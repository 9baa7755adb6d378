"""A network as one ONNX graph of fixed size, its weights in the precision asked for."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn

from maquette.errors import ModelError
from maquette.models.options import Precision
from maquette.train.convert.contract import INPUT
from maquette.train.convert.families import Family
from maquette.train.convert.source import Source, first_line, load, task_tokens
from maquette.train.export import halve

OPSET = 18
MAX_BYTES = 2**31 - 2**26
"""Weights that one ONNX file can hold: a protocol buffer ends at 2 GiB, and some of it is the graph."""


class Pictures(nn.Module):
    """A network that takes a picture (1, 3, h, w) and gives the outputs of its contract, nothing else.

    Whatever else its class wants is worked out from the picture or baked in.
    """

    def __init__(self, network: nn.Module, family: Family, task: torch.Tensor | None) -> None:
        """Wrap ``network``; ``task`` are OneFormer's words."""
        super().__init__()
        self.network = network
        self.family = family
        self.register_buffer("task", task)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the network."""
        further = {}
        if self.family.needs == "task":
            further["task_inputs"] = self.task
        elif self.family.needs == "mask":  # no 8-bit value is the mean: what is 0 in all channels is padding
            further["pixel_mask"] = (image != 0).any(1)
        made = self.network(pixel_values=image, **further)
        return tuple(made[name] for name in self.family.outputs)


def pictures(source: Source) -> Pictures:
    """Load a network and give it one input.

    Raises:
        ModelError: Its weights or its tokenizer cannot be used, or it is too large for one ONNX file.
    """
    network = load(source)
    size = 4 * sum(weight.numel() for weight in network.parameters())
    if size > MAX_BYTES:
        raise ModelError(
            f"{source.name}: {size / 1e9:.1f} GB of weights; one ONNX file holds 2.1 GB, take a smaller network"
        )
    steps = getattr(network, "attn_mask_probs", None)
    if steps is not None:  # EoMT decides by them in Python, which no exporter can follow while they are a tensor
        del network.attn_mask_probs
        network.attn_mask_probs = steps.tolist()
    task = task_tokens(source) if source.family.needs == "task" else None
    return Pictures(network, source.family, task).eval()


def reference(network: Pictures, image: NDArray[np.float32], name: str) -> list[NDArray[np.float32]]:
    """Run a network in PyTorch.

    Args:
        network: As ``pictures`` makes it.
        image: (1, 3, h, w) float32.
        name: Of the network, for messages.

    Returns:
        Its outputs.

    Raises:
        ModelError: It takes no pictures of that size.
    """
    try:
        with torch.no_grad():
            return [output.numpy() for output in network(torch.from_numpy(image))]
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{name}: takes no picture of {image.shape[2]} x {image.shape[3]} ({first_line(error)}); leave --height "
            "and --width to the network, or take what it was built for"
        ) from error


def to_graph(network: Pictures, size: tuple[int, int], name: str) -> onnx.ModelProto:
    """Export a network by tracing it (``torch.export``), with its shapes fixed.

    Args:
        network: As ``pictures`` makes it.
        size: (height, width) of its input.
        name: Of the network, for messages.

    Raises:
        ModelError: The exporter cannot follow the network.
    """
    try:
        with _exporting():
            program = torch.onnx.export(
                network,
                (torch.zeros(1, 3, *size),),
                input_names=[INPUT],
                output_names=list(network.family.outputs),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(
            f"{name}: PyTorch's exporter cannot follow it ({first_line(error)}); try other versions of torch and "
            "transformers"
        ) from error
    assert program is not None
    graph = program.model_proto
    del graph.graph.value_info[:]  # shapes in between, which are inferred anew where they are needed
    for value in (*graph.graph.node, *graph.graph.initializer):
        value.ClearField("metadata_props")  # the source lines of each, with their paths on this machine
        value.ClearField("doc_string")
    return graph


def in_precision(graph: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    """Store the weights of a graph in another precision; the graph may be changed in place.

    Raises:
        ModelError: Its matrix products cannot be brought to 8 bits.
    """
    if precision == "fp16":
        halve(graph)
    return quantised(graph) if precision == "int8" else graph


def quantised(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a graph whose matrix products with weights run in 8 bits, activations scaled as they come.

    Convolutions stay: on processors of today they are several times slower in 8 bits.

    Raises:
        ModelError: onnxruntime cannot follow the graph.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        try:
            with _silent_root():
                quantize_dynamic(
                    graph,
                    path,
                    op_types_to_quantize=["MatMul", "Gemm"],
                    per_channel=True,
                    reduce_range=True,  # eight full bits overflow the 16-bit sums of processors without VNNI
                    weight_type=QuantType.QInt8,
                )
        except onnx.shape_inference.InferenceError as error:
            raise ModelError(f"int8: cannot be made of this network ({first_line(error)}); take fp16") from error
        return onnx.load(path)


@contextmanager
def _exporting() -> Iterator[None]:
    """No gradients, no warnings of the tracer (what they doubt is measured), no checks of transformers that only work
    on values."""
    before = os.environ.get("TRANSFORMERS_DISABLE_TORCH_CHECK")
    os.environ["TRANSFORMERS_DISABLE_TORCH_CHECK"] = "1"
    try:
        with torch.no_grad(), warnings.catch_warnings(), _silent_root():
            warnings.simplefilter("ignore")
            yield
    finally:
        if before is None:
            del os.environ["TRANSFORMERS_DISABLE_TORCH_CHECK"]
        else:
            os.environ["TRANSFORMERS_DISABLE_TORCH_CHECK"] = before


@contextmanager
def _silent_root() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
