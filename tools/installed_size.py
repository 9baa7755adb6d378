"""Measure what an environment weighs: ``python tools/installed_size.py VENV --limit-mb 350``.

Counted are the files that the wheels bring (MB are 10^6 bytes), without pip and setuptools, which a fresh environment
has anyway. The bytecode that pip compiles on top, and that an installer may leave out, is told apart.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

NOT_OURS = frozenset({"pip", "setuptools", "pkg_resources", "_distutils_hack"})


def main() -> int:
    """Print the heaviest packages and the sum; return 1 where it is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=Path)
    parser.add_argument("--limit-mb", type=float, default=350.0)
    arguments = parser.parse_args()
    (site_packages,) = arguments.venv.glob("lib/python3*/site-packages")
    sizes: Counter[str] = Counter()
    bytecode = 0
    for path in site_packages.rglob("*"):
        package = path.relative_to(site_packages).parts[0]
        if not path.is_file() or package.partition("-")[0] in NOT_OURS:
            continue
        if path.suffix == ".pyc":
            bytecode += path.stat().st_size
        else:
            sizes[package] += path.stat().st_size
    total_mb = sum(sizes.values()) / 1e6
    for name, size in sizes.most_common(12):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{total_mb:8.1f} MB  in all, limit {arguments.limit_mb:g} MB (and {bytecode / 1e6:.1f} MB of bytecode)")
    return int(total_mb > arguments.limit_mb)


if __name__ == "__main__":
    sys.exit(main())
