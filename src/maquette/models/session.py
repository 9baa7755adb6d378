"""ONNX Runtime sessions: one a file and process, deterministic, with errors that a person can act on."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maquette.errors import ModelError
from maquette.models.catalogue import sha256, verified_path
from maquette.models.types import Model

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

DEFAULT_THREADS = 2
"""Threads of a session where the caller asks for 0: two are 1.6 to 1.9 times one, more gain little on small
networks."""

_MOST_OPEN = 4
"""Networks that stay in memory; the one that was not used for the longest time makes room for the next."""

_DTYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}


def run(
    model: Model, image: NDArray[np.float32], outputs: Sequence[tuple[str, tuple[int, ...]]], threads: int = 0
) -> list[NDArray[Any]]:
    """Run a network on one picture. Any threads may call this: a file is loaded once, and its runs take turns.

    Args:
        model: From the catalogue.
        image: (1, 3, h, w) or (1, h, w, 3), as the network's input contract says.
        outputs: Name of each output wanted, with the ranks that it may have.
        threads: Threads of ONNX Runtime; 0 takes ``DEFAULT_THREADS``.

    Returns:
        The outputs, in the order asked for.

    Raises:
        ModelError: The file is missing, altered or no ONNX network, or it does not keep its contract.
    """
    constants = {c.name: np.full(c.shape, c.value) for c in model.input.constants}
    return run_with(model, {model.input.name: image, **constants}, outputs, threads)


def run_with(
    model: Model,
    inputs: Mapping[str, NDArray[Any]],
    outputs: Sequence[tuple[str, tuple[int, ...]]],
    threads: int = 0,
) -> list[NDArray[Any]]:
    """Run a network on what all of its inputs shall be, by name; else as ``run``."""
    path = verified_path(model)
    network = _network(path, sha256(path), threads or DEFAULT_THREADS)
    session = network.session
    types = {value.name: value.type for value in session.get_inputs()}
    _check_names(path, "input", list(inputs), list(types))
    _check_names(path, "output", [name for name, _ in outputs], [value.name for value in session.get_outputs()])
    feed: dict[str, NDArray[Any]] = {
        name: np.asarray(array, _DTYPES.get(types[name], np.float32)) for name, array in inputs.items()
    }
    try:
        with network.turn:
            results: list[NDArray[Any]] = session.run([name for name, _ in outputs], feed)
    except Exception as error:  # onnxruntime raises its own classes, none of them exported
        shape = inputs[model.input.name].shape
        raise ModelError(f"{path}: failed on a picture of shape {shape}: {_first_line(error)}") from error
    for (name, ranks), array in zip(outputs, results, strict=True):
        if array.ndim not in ranks:
            wanted = " or ".join(map(str, ranks))
            raise ModelError(f"{path}: output {name} has shape {array.shape}; its contract needs {wanted} axes")
    return results


@dataclass(frozen=True, eq=False)
class _Network:
    """A loaded file. Whoever runs it holds ``turn``: a run has all threads, and two would need the memory of two."""

    digest: str
    threads: int
    session: InferenceSession
    turn: threading.Lock = field(default_factory=threading.Lock)


_open: dict[Path, _Network] = {}
_opening = threading.Lock()


def _network(path: Path, digest: str, threads: int) -> _Network:
    with _opening:
        network = _open.pop(path, None)
        if network is not None and (network.digest, network.threads) != (digest, threads):
            network = None  # so that the old network is gone before the new one is loaded
        if network is None:
            while len(_open) >= _MOST_OPEN:
                del _open[next(iter(_open))]
            network = _Network(digest, threads, _load(path, threads))
        _open[path] = network
        return network


def _load(path: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own classes, none of them exported
        raise ModelError(f"{path}: not a usable ONNX network: {_first_line(error)}") from error


def _check_names(path: Path, what: str, wanted: list[str], there: list[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ModelError(f"{path}: has no {what} {', '.join(missing)}; it has {', '.join(there)}; correct its contract")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
