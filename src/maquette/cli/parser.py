"""The arguments of every verb."""

from __future__ import annotations

import argparse
from typing import NoReturn

import shtab

from maquette.cli import datasets, diorama, models, view, voxels, worlds
from maquette.errors import MaquetteError


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and exit status 2, as all of ours are."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise MaquetteError(f"{message} (see {self.prog} --help)")


def make_parser() -> Parser:
    """Return the parser of the whole program; it sets ``run``, a function of the arguments and a ``Report``."""
    parser = Parser(prog="maquette", description="One photo in, an editable layered 3D scene out.", allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print the versions that matter and exit")
    shtab.add_argument_to(parser, "--print-completion", help="print a completion script for that shell and exit")
    common = Parser(add_help=False)
    group = common.add_argument_group("what is said")
    group.add_argument("--quiet", action="store_true", help="say nothing but errors")
    group.add_argument("--json", action="store_true", help="print the result as one JSON document")
    group.add_argument("--debug", action="store_true", help="print a traceback with each error")

    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    verb = verbs.add_parser("diorama", parents=[common], allow_abbrev=False, help="photos to layered 3D scenes")
    diorama.add_arguments(verb)
    verb.set_defaults(run=diorama.run)
    datasets.add_arguments(
        verbs.add_parser("datasets", allow_abbrev=False, help="public data sets, and errors of predictions on them"),
        common,
    )
    models.add_arguments(verbs.add_parser("models", allow_abbrev=False, help="the networks and their files"), common)
    verb = verbs.add_parser("view", parents=[common], allow_abbrev=False, help="look at a scene in the browser")
    view.add_arguments(verb)
    verb.set_defaults(run=view.run)
    verb = verbs.add_parser("voxels", parents=[common], allow_abbrev=False, help="photos of a rig to labelled voxels")
    voxels.add_arguments(verb)
    verb.set_defaults(run=voxels.run)
    worlds.add_arguments(
        verbs.add_parser("worlds", allow_abbrev=False, help="synthetic scenes with their truth"), common
    )
    return parser
