"""Where a network comes from: a folder as ``save_pretrained`` writes it, or a repository of the Hugging Face Hub."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maquette.errors import ModelError
from maquette.train.convert.families import FAMILIES, Family

_FILES = ["*.json", "*.safetensors", "*.txt", "README.md"]


@dataclass(frozen=True)
class Source:
    """A network before it is loaded.

    Attributes:
        name: As the user wrote it.
        folder: Where its files lie.
        commit: 40 hexadecimal digits for one of the Hub, else None.
        architecture: Its class in ``transformers``, a key of ``FAMILIES``.
        config: Content of config.json.
        processor: Content of preprocessor_config.json; empty where there is none.
        card: Metadata of its README.md; empty where there are none.
    """

    name: str
    folder: Path
    commit: str | None
    architecture: str
    config: dict[str, Any]
    processor: dict[str, Any]
    card: dict[str, Any]

    @property
    def family(self) -> Family:
        """What its class needs."""
        return FAMILIES[self.architecture]


def find(name: str, revision: str | None = None) -> Source:
    """Find a network, fetching it from the Hub where it is not a folder and not cached.

    Args:
        name: A folder, or owner and name of a repository.
        revision: Branch, tag or commit of the repository.

    Raises:
        ModelError: There is no such network, it has no safetensors, or maquette cannot export its class.
    """
    folder, commit = (Path(name), None) if Path(name).is_dir() else _fetched(name, revision)
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{folder}: has no config.json; name a folder as save_pretrained of transformers writes it")
    config = _object(path)
    named = config.get("architectures") or [""]
    architecture = str(named[0])
    if "metric3d" in f"{architecture} {config.get('model_type')} {name}".lower():
        raise ModelError(
            f"{name}: Metric3D is no class of transformers; its authors' own ONNX file is in the catalogue: "
            "maquette models pull metric3d-v2-small"
        )
    if architecture not in FAMILIES:
        raise ModelError(
            f"{path}: architecture {architecture or 'not named'} cannot be exported; these can: {', '.join(FAMILIES)}"
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder}: has no *.safetensors; pickled weights (*.bin, *.pt) are not loaded, for they can run code: "
            "take a revision with safetensors, or load them where you trust them and call save_pretrained"
        )
    return Source(name, folder, commit, architecture, config, _processor(folder), _card(folder))


def load(source: Source) -> Any:
    """Load a network for inference in float32.

    Returns:
        The ``PreTrainedModel``.

    Raises:
        ModelError: Its weights are damaged, or not all of them are there.
    """
    import transformers

    try:
        with _quiet():
            network, told = getattr(transformers, source.architecture).from_pretrained(
                source.folder,
                use_safetensors=True,
                local_files_only=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
    except ImportError as error:
        raise ModelError(
            f"{source.name}: needs a package that is not installed ({first_line(error)}); install it, or take another "
            "network (for DETR with timm's backbone: maquette models pull detr-resnet-50-panoptic)"
        ) from error
    except Exception as error:  # transformers and safetensors raise of every kind
        raise ModelError(
            f"{source.name}: its weights cannot be loaded ({first_line(error)}); fetch the network again"
        ) from error
    weights = dict(network.named_parameters()) | dict(network.named_buffers())
    missing = sorted(key for key in told["missing_keys"] if key not in weights or weights[key].is_floating_point())
    if missing:
        raise ModelError(
            f"{source.name}: {len(missing)} weights of {source.architecture} are missing, the first is {missing[0]}; "
            "fetch the network again"
        )
    return network.eval()


def task_tokens(source: Source) -> torch.Tensor:
    """Return the words of OneFormer's panoptic task, as its processor gives them to the network.

    Returns:
        (1, n) int64, padded with 0.

    Raises:
        ModelError: The source has no tokenizer.
    """
    from transformers import CLIPTokenizer

    length = int(source.config.get("task_seq_len", 77))
    try:
        with _quiet():
            tokenizer = CLIPTokenizer.from_pretrained(source.folder, local_files_only=True)
            found = tokenizer(
                "the task is panoptic", padding="max_length", max_length=length, truncation=True, return_tensors="pt"
            )
    except Exception as error:  # transformers raises of every kind
        raise ModelError(
            f"{source.folder}: its tokenizer cannot be read ({first_line(error)}); OneFormer needs vocab.json and "
            "merges.txt, or tokenizer.json"
        ) from error
    return found["input_ids"] * found["attention_mask"]  # type: ignore[no-any-return]


def first_line(error: Exception) -> str:
    """Return what an error of another library says first, without colours."""
    lines = [line for line in re.sub(r"\x1b\[[\d;]*m", "", str(error)).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else type(error).__name__


def _fetched(name: str, revision: str | None) -> tuple[Path, str]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, LocalEntryNotFoundError

    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) or Path(name).exists():
        raise ModelError(f"{name}: no such folder, and no owner/name of a repository on the Hugging Face Hub")
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_FILES, ignore_patterns=["*/*"]))
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{name}: no such folder here, not in the cache, and the Hub cannot be reached; check the name and the "
            "connection"
        ) from error
    except (HfHubHTTPError, HFValidationError, HTTPError) as error:
        raise ModelError(
            f"{name}: cannot be fetched from the Hub ({first_line(error)}); check name and revision, accept its terms, "
            "set HF_TOKEN"
        ) from error
    return folder, folder.name


def _processor(folder: Path) -> dict[str, Any]:
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file():
            content = _object(folder / name)
            return dict(content.get("image_processor", content))
    return {}


def _card(folder: Path) -> dict[str, Any]:
    from huggingface_hub import metadata_load

    try:
        return metadata_load(folder / "README.md") or {}
    except Exception:  # no card, or not one that YAML reads: then nothing is known of its licence
        return {}


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable JSON file ({first_line(error)}); fetch the network again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: must hold one JSON object; fetch the network again")
    return content


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from reports and progress bars: what matters of them is raised."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.CRITICAL)
    theirs.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()  # type: ignore[no-untyped-call]
