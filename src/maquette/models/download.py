"""Fetch networks of the catalogue from the Hugging Face Hub, once, and hold their files to a sha256 ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maquette.errors import ModelError
from maquette.models import lock
from maquette.models.catalogue import Model, Source, cached_file, local_path

Status = Literal["ok", "altered", "unreadable", "absent", "unrecorded"]


@dataclass(frozen=True)
class Check:
    """What ``verify`` found of one network.

    Attributes:
        model: The network.
        path: What lies in the place of its file, or None.
        sha256: Of that file as it is now; None where there is none, or it cannot be read.
        status: ``ok`` agrees with what is recorded; ``altered`` does not; ``unreadable`` is a folder, or closed to
            the user; ``absent`` has none here; ``unrecorded`` has a file and nothing to hold against it.
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
    ``HF_TOKEN`` and the proxies of the environment count. What an interrupted pull has brought is kept and continued.
    A file takes its place only after its size and sha256 have been checked against the catalogue, the lock file, or,
    at a first pull of a network without either, what the server states; its sha256 is then recorded in the lock file.

    Args:
        model: From the catalogue.
        progress: Called with the bytes on disk and the bytes in all (None where the server does not say).

    Returns:
        The file.

    Raises:
        ModelError: The server cannot be reached or has no such file, the bytes are not those recorded, or the cache
            cannot be written.
    """
    check = verify([model])[0]
    if check.status in ("altered", "unreadable"):
        raise ModelError(f"{check.path}: not the file of network {model.name} that was recorded; {remedy(model)}")
    if check.path is not None:
        if model.source is not None and check.status == "unrecorded" and check.sha256 is not None:
            raise ModelError(f"{check.path}: was not pulled by maquette; delete it and pull again")
        return check.path
    if model.source is None:
        raise ModelError(f"{model.file}: the file of network {model.name} is missing; {remedy(model)}")
    target = cached_file(model)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(model, model.source, target, progress or (lambda done, total: None))
    except OSError as error:
        raise ModelError(
            f"{target}: cannot be written ({error.strerror or error}); free space, or set MAQUETTE_CACHE"
        ) from error
    return target


def verify(models: Iterable[Model]) -> list[Check]:
    """Compute the sha256 of every network's file on this machine anew, and compare it with what is recorded.

    Raises:
        ModelError: The lock file of the cache cannot be read.
    """
    checks = []
    for model in models:
        path = local_path(model)
        if path is None:
            checks.append(Check(model, None, None, "absent"))
            continue
        recorded = recorded_sha256(model)
        try:
            found = _digest(path)
        except OSError:
            checks.append(Check(model, path, None, "unreadable"))
            continue
        status: Status = "unrecorded" if recorded is None else "ok" if found == recorded else "altered"
        checks.append(Check(model, path, found, status))
    return checks


def remedy(model: Model) -> str:
    """Return what to do about a network whose file is missing or altered, in the imperative."""
    return f"delete it and run `maquette models pull {model.name}`" if model.source else "install maquette again"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(model: Model, source: Source, target: Path, progress: Callable[[int, int | None], None]) -> None:
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.utils import WeakFileLock

    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    with _clear_errors(url):
        metadata = get_hf_file_metadata(url)
    if model.bytes is not None and metadata.size not in (None, model.bytes):
        raise ModelError(
            f"{url}: has {metadata.size} bytes, not {model.bytes} as recorded; check HF_ENDPOINT, or report that the "
            "file has changed"
        )
    etag = metadata.etag or ""
    part = target.with_name(f"{target.name}.{hashlib.sha256(etag.encode()).hexdigest()[:16]}.part")
    with WeakFileLock(target.with_name(f"{target.name}.lock")):
        if target.exists():  # another pull has brought it meanwhile
            return
        _complete(part, url, metadata.size, progress)
        found = _digest(part)
        stated = etag if len(etag) == 64 else found  # the ETag of a large file is its sha256
        wanted = recorded_sha256(model) or stated
        if found != wanted:
            part.unlink()
            raise ModelError(
                f"{url}: its sha256 is {found[:12]}..., not {wanted[:12]}... as recorded; what came was deleted; "
                "check HF_ENDPOINT, or report that the file has changed"
            )
        lock.record(target, found)
        part.replace(target)
        for left in target.parent.glob(f"{target.name}.*.part"):  # of the server's file as it was before
            left.unlink()


def _complete(part: Path, url: str, size: int | None, progress: Callable[[int, int | None], None]) -> None:
    """Bring ``part`` to its whole size, from where an earlier try left it."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    class Bar:
        """What ``http_get`` needs of a tqdm bar."""

        def __init__(self, *, initial: int, total: int | None, **_: Any) -> None:
            self.done, self.total = initial, total

        def update(self, count: int) -> None:
            self.done += count
            progress(self.done, self.total)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

    with part.open("ab") as file, _clear_errors(url):
        if size is None or file.tell() > size:
            file.truncate(0)
        # The Hub's own address, not the one that it forwards to: that one is signed and runs out.
        headers = build_hf_headers()
        http_get(url, file, resume_size=file.tell(), headers=headers, expected_size=size, tqdm_class=Bar)


@contextmanager
def _clear_errors(url: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled as error:
        raise ModelError(f"{url}: HF_HUB_OFFLINE forbids the network; unset it to pull") from error
    except HfHubHTTPError as error:
        code = error.response.status_code
        advice = {
            401: "set HF_TOKEN, or the repository is gone",
            403: "accept its terms on the Hub and set HF_TOKEN",
            404: "the file or its revision is gone",
        }.get(code, "try again later")
        raise ModelError(f"{url}: the server answers {code}; {advice}") from error
    except HTTPError as error:
        reason = str(error) or type(error).__name__
        raise ModelError(f"{url}: cannot be fetched ({reason}); check the connection and pull again") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ModelError(f"{url}: ended before its last byte; what has come is kept; pull again") from error
