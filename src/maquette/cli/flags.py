"""Command-line flags from the options dataclasses: their fields, types, defaults and docstrings say it all once."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import re
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import shtab

Options = TypeVar("Options")


def add_flags(parser: argparse.ArgumentParser, options: type[Any]) -> None:
    """Add one flag for each field of an options dataclass, in a group that carries the dataclass's first line.

    ``fov_deg`` becomes ``--fov``, and ``farthest_m`` ``--farthest``: a unit belongs to a field's name, and to the help
    text of a flag.
    """
    doc = inspect.getdoc(options) or ""
    texts = _attributes(doc)
    types_of = get_type_hints(options)
    group = parser.add_argument_group(doc.splitlines()[0].rstrip(".").lower() if doc else None)
    for field in dataclasses.fields(options):
        kind = _without_none(types_of[field.name])
        flag = "--" + field.name.removesuffix("_deg").removesuffix("_m").replace("_", "-")
        text = texts.get(field.name, "").replace("%", "%%")
        if field.default not in (None, "", ()):
            text += f" [{field.default}]" if kind is not bool else f" [{'yes' if field.default else 'no'}]"
        if kind is bool:
            group.add_argument(
                flag, dest=field.name, action=argparse.BooleanOptionalAction, default=field.default, help=text
            )
        elif get_origin(kind) is Literal:
            group.add_argument(flag, dest=field.name, choices=get_args(kind), default=field.default, help=text)
        elif kind == tuple[int, ...]:
            group.add_argument(flag, dest=field.name, type=_numbers, metavar="N[,N]", default=field.default, help=text)
        elif get_origin(kind) is tuple:
            action = group.add_argument(
                flag, dest=field.name, type=_names, metavar="NAME[,NAME]", default=field.default, help=text
            )
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        else:
            name = {int: "N", float: "X", str: "NAME"}.get(kind, "FILE")
            action = group.add_argument(
                flag, dest=field.name, type=kind, metavar=name, default=field.default, help=text
            )
            if kind is not int and kind is not float:
                action.complete = shtab.FILE  # type: ignore[attr-defined]


def from_flags(options: type[Options], arguments: argparse.Namespace) -> Options:
    """Make an options dataclass from the flags that ``add_flags`` added for it."""
    names = [field.name for field in dataclasses.fields(options)]  # type: ignore[arg-type]
    return options(**{name: getattr(arguments, name) for name in names})


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} must be whole numbers, as 1,2,3") from error


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        (annotation,) = (kind for kind in get_args(annotation) if kind is not types.NoneType)
    return annotation


def _attributes(doc: str) -> dict[str, str]:
    """The texts of a google-style ``Attributes:`` section, by name, each on one line and without double backquotes."""
    section = doc.partition("Attributes:\n")[2]
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "") for name, text in entries}
