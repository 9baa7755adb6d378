"""The export from a source to three files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import onnx

from maquette.errors import ModelError
from maquette.export.atomic import whole
from maquette.models.catalogue import sha256
from maquette.models.entry import read_entry
from maquette.models.options import ExportOptions
from maquette.perception.network import to_input
from maquette.train.convert import card
from maquette.train.convert.check import Agreement, compare, sample_pictures
from maquette.train.convert.contract import input_fields, output_fields
from maquette.train.convert.graph import in_precision, pictures, reference, to_graph
from maquette.train.convert.source import Source, find


@dataclass(frozen=True)
class Converted:
    """A network that was exported and accepted.

    Attributes:
        path: The ONNX file; beside it lie its contract (``.json``) and its card (``.md``).
        architecture: Its class in ``transformers``.
        parameters: How many weights it has.
        bytes: Size of the ONNX file.
        sha256: Of the ONNX file.
        agreement: How far it is from PyTorch.
    """

    path: Path
    architecture: str
    parameters: int
    bytes: int
    sha256: str
    agreement: Agreement


def convert(source: str, out: Path, options: ExportOptions | None = None) -> Converted:
    """Make an ONNX file with its contract and card from a network of ``transformers``.

    The file is run against PyTorch before it is accepted (``check.LIMITS``). The three files appear together or not at
    all, the contract last.

    Args:
        source: A folder as ``save_pretrained`` writes it, or owner and name of a repository on the Hugging Face Hub.
        out: The folder to write to.
        options: How; None for the defaults.

    Raises:
        ModelError: The network cannot be found, loaded or exported, its file would compute something else, or there is
            one of that name already.
        ExportError: The files cannot be written.
    """
    options = options or ExportOptions()
    found = find(source, options.revision)
    name = options.name or _name(found, options)
    path = out / f"{name}.onnx"
    if Path(name).name != name or name.startswith("."):
        raise ModelError(f"{name}: not a name for files; give another with --name")
    if not options.overwrite and (there := [p for p in _files(path) if p.exists()]):
        raise ModelError(f"{there[0]}: is there already; replace it with --overwrite, or choose a --name")
    contract = {"input": input_fields(found, options), "output": output_fields(found, options)}
    entry = card.fields(found, contract)
    planned = read_entry({"name": name, **entry}, path, out)

    network = pictures(found)
    parameters = sum(weight.numel() for weight in network.network.parameters())
    images = [to_input(rgb, planned.input)[0] for rgb in sample_pictures()]
    truths = [reference(network, image, source) for image in images]
    graph = to_graph(network, images[0].shape[2:], source)
    del network  # a gigabyte, for a large one
    graph = in_precision(graph, options.precision)

    with ExitStack() as files:
        contract_file, card_file, onnx_file = (files.enter_context(whole(p)) for p in reversed(_files(path)))
        onnx.save(graph, onnx_file)
        del graph
        model = read_entry({"name": name, **entry, "file": onnx_file.name}, path, onnx_file.parent)
        agreement = compare(model, images, truths)
        agreement.check(options.precision, source)
        size, digest = onnx_file.stat().st_size, sha256(onnx_file)
        entry |= {
            "bytes": size,
            "sha256": digest,
            "export": card.export_fields(found, options, parameters, agreement),
        }
        card_file.write_text(card.render(name, entry), encoding="utf-8")
        contract_file.write_text(card.to_json(entry), encoding="utf-8")
    return Converted(path, found.architecture, parameters, size, digest, agreement)


def _name(source: Source, options: ExportOptions) -> str:
    own = Path(source.name).resolve().name if source.commit is None else source.name.rpartition("/")[2]
    return own if options.precision == "fp32" else f"{own}-{options.precision}"


def _files(path: Path) -> list[Path]:
    """The ONNX file, its card and its contract, in the order in which they take their places."""
    return [path, path.with_suffix(".md"), path.with_suffix(".json")]
