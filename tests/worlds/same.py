"""Deep equality of the dataclasses that hold arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


def same(one: Any, other: Any, *, rounded: tuple[str, ...] = ()) -> bool:
    """Whether two values agree in types, shapes, dtypes and contents.

    Args:
        one: A value of dataclasses, tuples, mappings, arrays and plain values.
        other: What it is compared with.
        rounded: Names of fields that are compared after rounding to float16.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            a, b = getattr(one, field.name), getattr(other, field.name)
            if field.name in rounded:
                a, b = a.astype(np.float16), b.astype(np.float16)
            if not same(a, b, rounded=rounded):
                return False
        return True
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key], rounded=rounded) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b, rounded=rounded) for a, b in zip(one, other, strict=True))
    return bool(one == other)
