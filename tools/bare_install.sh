#!/usr/bin/env bash
# What `pip install .` alone gives: its size, a diorama and voxels from outside the repository, without a network.
# usage: tools/bare_install.sh [PYTHON]
set -euo pipefail
unset PYTHONPATH

repo=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install --constraint "$repo/constraints.txt" "$repo"
"$python" "$repo/tools/installed_size.py" "$work/venv" --limit-mb 350

offline=(env http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9)
if unshare --map-root-user --net true 2>/dev/null; then
    offline=(unshare --map-root-user --net)
fi
echo "without a network (${offline[0]}):"

cd "$work"
cat >run.py <<'PY'
import sys

from maquette.cli import main

status = main(sys.argv[1:])
heavy = {"torch", "transformers", "bpy", "ray"} & set(sys.modules)
sys.exit(status or (f"loaded: {heavy}" if heavy else 0))
PY
"${offline[@]}" "$work/venv/bin/maquette" --version
"${offline[@]}" "$work/venv/bin/python" -I run.py diorama --example coffee -o coffee
test -s coffee/scene.glb
test -s coffee/preview.html
"${offline[@]}" "$work/venv/bin/python" -I run.py voxels --example -o room
test -s room/scene.glb
test -s room/scene.vox
