"""``python -m maquette.train RECIPE ...``: run one recipe."""

from __future__ import annotations

import sys

from maquette.train.recipes import depth, perception, voxels

RECIPES = {"depth": depth.main, "perception": perception.main, "voxels": voxels.main}


def main() -> int:
    """Run the recipe that the first argument names on the rest of them."""
    if len(sys.argv) < 2 or sys.argv[1] not in RECIPES:
        print(f"usage: python -m maquette.train {{{','.join(RECIPES)}}} ...", file=sys.stderr)
        return 2
    return RECIPES[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
