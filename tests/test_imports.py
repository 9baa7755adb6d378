"""What importing and running maquette loads, in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "bpy", "ray", "onnx", "h5py", "moderngl", "igl", "trimesh", "maquette.train")

LOADED = "import sys; print(*sorted(sys.modules), sep='\\n')"


def python(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_maquette_loads_nothing_but_itself_and_the_standard_library() -> None:
    before, after = set(python(LOADED).split()), set(python(f"import maquette; {LOADED}").split())
    foreign = {name.partition(".")[0] for name in after - before} - sys.stdlib_module_names - {"maquette"}
    assert foreign == set()


@pytest.mark.parametrize("module", HEAVY)
def test_every_module_of_the_runtime_imports_without(module: str) -> None:
    package = Path(__file__).parents[1] / "src" / "maquette"
    names = [
        ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(package.rglob("*.py"))
        if "train" not in path.parts and path.name != "__main__.py"
    ]
    assert "maquette.cli" in names
    imports = "\n".join(f"import {name}" for name in names)
    assert python(f"{imports}\nimport sys\nprint({module!r} in sys.modules)") == "False\n"


@pytest.mark.parametrize(("name", "options"), [("diorama", "DioramaOptions"), ("voxels", "VoxelOptions")])
def test_the_function_stays_the_function(name: str, options: str) -> None:
    # Python binds a submodule to its package when it first loads it: `maquette.diorama` names both.
    python(f"""
import maquette
function = maquette.{name}
import maquette.{name}.build
from maquette.{name}.build import build
from maquette.{name} import options
import maquette.{name}
assert maquette.{name} is function and callable(function) and callable(build)
assert options.{options} is maquette.{options}
""")
    python(f"from maquette.{name}.build import build\nimport maquette\nassert maquette.{name}.__name__ == '{name}'")
    python(f"import maquette.{name}\nassert callable(maquette.{name})")


def test_every_public_name_is_there() -> None:
    python("from maquette import *\nimport maquette\nassert set(maquette.__all__) <= set(dir()) & set(dir(maquette))")
    python("import maquette\nassert not hasattr(maquette, 'nonsense')")
