"""``maquette --version``: the versions that matter when something differs between two machines."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import maquette
from maquette.models.catalogue import EMBEDDED, local_path, resolve, sha256


def version() -> str:
    """Return the versions of maquette, of what its results depend on, and of the embedded network."""
    path = local_path(resolve(EMBEDDED))
    network = "missing" if path is None else f"sha256 {sha256(path)[:12]}"
    libraries = ", ".join(f"{name} {installed(name)}" for name in ("numpy", "onnxruntime"))
    return f"maquette {maquette.__version__}\npython {platform.python_version()}, {libraries}\n{EMBEDDED}: {network}"
