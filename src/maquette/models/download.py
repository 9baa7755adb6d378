"""Fetch networks of the catalogue from the Hugging Face Hub, once, and hold their files to a sha256 ever after."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maquette.errors import ModelError
from maquette.models import lock
from maquette.models.catalogue import Model, Source, cached_file, local_path

Status = Literal["ok", "altered", "absent", "unrecorded"]


@dataclass(frozen=True)
class Check:
    """What ``verify`` found of one network.

    Attributes:
        model: The network.
        path: Its file on this machine, or None.
        sha256: Of that file as it is now, or None.
        status: ``ok`` agrees with what is recorded; ``altered`` does not; ``absent`` has no file here; ``unrecorded`` has a
            file and nothing to hold against it.
    """

    model: Model
    path: Path | None
    sha256: str | None
    status: Status


def recorded_sha256(model: Model) -> str | None:
    """Return the sha256 that a network's file must have: the catalogue's, else that of its first pull, else None.

    Raises:
        ModelError: The lock file of the cache is damaged.
    """
    return model.sha256 or (lock.recorded(cached_file(model)) if model.source else None)


def pull(model: Model, *, progress: Callable[[int, int | None], None] | None = None) -> Path:
    """Bring a network's file into the cache; does nothing where it is there and intact.

    The file comes from its pinned revision through ``huggingface_hub``: ``HF_ENDPOINT`` (a mirror), ``HF_HUB_OFFLINE``,
    ``HF_TOKEN`` and the proxies of the environment count. What an interrupted pull has brought is kept and continued. A file
    takes its place only after its size and sha256 have been checked against the catalogue, the lock file, or, at a first pull
    of a network without either, what the server states; its sha256 is then recorded in the lock file.

    Args:
        model: From the catalogue.
        progress: Called with the bytes on disk and the bytes in all (None where the server does not say).

    Returns:
        The file.

    Raises:
        ModelError: The server cannot be reached or has no such file, the bytes are not those recorded, or the cache cannot
            be written.
    """
    check = verify([model])[0]
    if check.status == "altered":
        raise ModelError(f"{check.path}: not the file of network {model.name} that was recorded; {_remedy(model)}")
    if check.path is not None:
        if model.source is not None and check.status == "unrecorded" and check.sha256 is not None:
            raise ModelError(f"{check.path}: was not pulled by maquette; delete it and pull again")
        return check.path
    if model.source is None:
        raise ModelError(f"{model.file}: the file of network {model.name} is missing; {_remedy(model)}")
    target = cached_file(model)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(model, model.source, target, progress or (lambda done, total: None))
    except OSError as error:
        raise ModelError(f"{target}: cannot be written ({error.strerror or error}); free space, or set MAQUETTE_CACHE") from error
    return target


def verify(models: Iterable[Model]) -> list[Check]:
    """Compute the sha256 of every network's file on this machine anew, and compare it with what is recorded.

    Raises:
        ModelError: A file, or the lock file of the cache, cannot be read.
    """
    checks = []
    for model in models:
        path = local_path(model)
        if path is None:
            checks.append(Check(model, None, None, "absent"))
            continue
        found, recorded = _digest(path), recorded_sha256(model)
        status: Status = "unrecorded" if recorded is None else "ok" if found == recorded else "altered"
        checks.append(Check(model, path, found, status))
    return checks


def _remedy(model: Model) -> str:
    return "delete it and pull again" if model.source else "install maquette again"


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error


def _fetch(model: Model, source: Source, target: Path, progress: Callable[[int, int | None], None]) -> None:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import WeakFileLock

    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    metadata = _asking(url, lambda: get_hf_file_metadata(url))
    etag = metadata.etag or ""
    stated = etag if len(etag) == 64 else None  # the Hub's ETag of a large file is its sha256
    part = target.with_name(f"{target.name}.{hashlib.sha256(etag.encode()).hexdigest()[:16]}.part")
    with WeakFileLock(target.with_name(f"{target.name}.lock")):
        _continue(url, metadata, part, progress)
        found = _digest(part)
        wanted = recorded_sha256(model) or stated
        if wanted is not None and found != wanted:
            part.unlink()
            raise ModelError(
                f"{url}: its sha256 is {found[:12]}..., not {wanted[:12]}... as recorded; the download was deleted; "
                "check HF_ENDPOINT, or report the change of the file"
            )
        part.replace(target)
        lock.record(target, found)


def _continue(url: str, metadata: Any, part: Path, progress: Callable[[int, int | None], None]) -> None:
    """Bring ``part`` to its whole size, from where it stands."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    with _Counted(part, lambda done: progress(done, metadata.size)) as file:
        file.seek(0, io.SEEK_END)
        if metadata.size is not None and file.tell() > metadata.size:
            file.truncate(0)
            file.seek(0)
        # The Hub's own address is asked again, not metadata.location: that is signed and may have run out.
        _asking(
            url,
            lambda: http_get(url, file, resume_size=file.tell(), headers=build_hf_headers(), expected_size=metadata.size),
        )


class _Counted(io.FileIO):
    """A file that tells how far it is after each write."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(path, "r+" if path.exists() else "w+")
        self._report = tell

    def write(self, chunk: Any) -> int:
        view = memoryview(chunk)
        while view:
            view = view[super().write(view) :]
        self._report(self.tell())
        return len(chunk)


def _asking[T](url: str, question: Callable[[], T]) -> T:
    return question()
