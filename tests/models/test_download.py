"""``pull`` and ``verify`` against a local server that speaks the Hub's protocol as far as a download needs it."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from maquette.models.lock import record, recorded

BLOCK = 10 * 2**20  # huggingface_hub writes in pieces of this size
CONTENT = hashlib.shake_256(b"network").digest(2 * BLOCK + 5000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"

DRIVER = """
import dataclasses, json, sys
from maquette.errors import ModelError
from maquette.models.catalogue import EMBEDDED, Source, resolve
from maquette.models.download import pull, verify
recorded = json.loads(sys.argv[1])
source = Source("someone/network", "0123456789abcdef0123456789abcdef01234567", "onnx/model.onnx")
model = dataclasses.replace(resolve(EMBEDDED), name="toy", tag="v1", file=None, source=source, **recorded)
seen = []
if "verify" in sys.argv:
    print(json.dumps([check.status for check in verify([model])]))
else:
    try:
        path = pull(model, progress=lambda done, total: seen.append((done, total)))
        print(json.dumps({"path": str(path), "seen": seen}))
    except ModelError as error:
        print(json.dumps({"error": str(error)}))
"""


class Hub(ThreadingHTTPServer):
    """One file, and the ways in which a server can fail to deliver it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = CONTENT
        self.etag = SHA256
        self.status = 200
        self.reason = "Other"  # the Hub's own name of an error
        self.ranges = True
        self.cuts: list[int] = []  # the n-th GET ends after so many bytes
        self.stall = False  # instead of closing, a cut GET keeps the line open
        self.log: list[tuple[str, str | None]] = []  # method and Range of each request

    @property
    def gets(self) -> list[str | None]:
        return [span for method, span in self.log if method == "GET"]


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        hub, span = self.server, self.headers.get("Range")
        if "/resolve/" in self.path:  # the library asks for other things too
            hub.log.append((self.command, span))
        start = int(span.removeprefix("bytes=").split("-")[0]) if span and hub.ranges else 0
        body = hub.content[start:]
        if hub.status != 200 or not self.path.endswith(f"/someone/network/resolve/{COMMIT}/onnx/model.onnx"):
            self.send_response(hub.status if hub.status != 200 else 404)
            self.send_header("X-Error-Code", hub.reason)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hub.etag}"')
        self.send_header("Accept-Ranges", "bytes")
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(hub.content) - 1}/{len(hub.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = hub.cuts.pop(0) if hub.cuts else len(body)
        self.wfile.write(body[:cut])
        self.wfile.flush()
        if cut < len(body):
            while hub.stall:
                time.sleep(0.05)
            self.close_connection = True


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.stall = False
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def environment(cache: Path, endpoint: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return clean | {"MAQUETTE_CACHE": str(cache), "HF_HOME": str(cache / "hf"), "HF_ENDPOINT": endpoint}


def start(
    cache: Path,
    endpoint: str,
    *words: str,
    sha256: str | None = None,
    size: int | None = None,
    before: Callable[[], None] | None = None,
    **env: str,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps({"sha256": sha256, "bytes": size}), *words],
        env=environment(cache, endpoint) | env,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


def url(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_address[1]}"


def pull(cache: Path, hub: Hub | str, *words: str, **settings: Any) -> Any:
    endpoint = hub if isinstance(hub, str) else url(hub)
    with start(cache, endpoint, *words, **settings) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(output)


def in_cache(cache: Path) -> set[str]:
    return {path.name for path in cache.glob("*") if path.suffix in (".onnx", ".part")}


def test_brings_the_file_once_and_records_its_sha256(cache: Path, hub: Hub) -> None:
    first = pull(cache, hub)
    path = Path(first["path"])
    assert path.read_bytes() == CONTENT
    assert json.loads((cache / "lock.json").read_text()) == {path.name: SHA256}
    done = [step[0] for step in first["seen"]]
    assert done == sorted(done)
    assert first["seen"][-1] == [len(CONTENT), len(CONTENT)]
    assert in_cache(cache) == {path.name}

    asked = len(hub.log)
    assert pull(cache, hub)["path"] == first["path"]
    assert len(hub.log) == asked
    assert pull(cache, hub, "verify") == ["ok"]


def test_a_broken_connection_is_continued(cache: Path, hub: Hub) -> None:
    hub.cuts = [BLOCK + 300_000]
    assert Path(pull(cache, hub)["path"]).read_bytes() == CONTENT
    assert hub.gets == [None, f"bytes={BLOCK}-"]


def test_a_killed_pull_is_continued_by_the_next(cache: Path, hub: Hub) -> None:
    hub.cuts, hub.stall = [BLOCK + 700_000], True
    with start(cache, url(hub)) as process:
        deadline = time.monotonic() + 30
        while not any(part.stat().st_size for part in cache.glob("*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    hub.stall = False
    (part,) = cache.glob("*.part")
    kept = part.stat().st_size
    assert Path(pull(cache, hub)["path"]).read_bytes() == CONTENT
    assert hub.gets == [None, f"bytes={kept}-"]
    assert in_cache(cache) == {"toy-v1.onnx"}


def test_a_server_without_ranges_sends_all_of_it_again(cache: Path, hub: Hub) -> None:
    hub.cuts, hub.ranges = [BLOCK + 300_000], False
    assert Path(pull(cache, hub)["path"]).read_bytes() == CONTENT


@pytest.mark.parametrize("stated", ["by the catalogue", "by the server"])
def test_other_bytes_than_stated_never_arrive(cache: Path, hub: Hub, stated: str) -> None:
    hub.content = CONTENT[:-1] + b"x"
    if stated == "by the catalogue":
        hub.etag = "0" * 40
    error = pull(cache, hub, sha256=SHA256 if stated == "by the catalogue" else None)["error"]
    assert "sha256" in error
    assert "\n" not in error
    assert in_cache(cache) == set()


def test_the_lock_outlives_the_file(cache: Path, hub: Hub) -> None:
    path = Path(pull(cache, hub)["path"])
    path.unlink()
    hub.content = CONTENT[::-1]
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    assert SHA256[:12] in pull(cache, hub)["error"]
    assert not path.exists()


def test_an_altered_file_is_told_and_not_replaced_in_silence(cache: Path, hub: Hub) -> None:
    path = Path(pull(cache, hub)["path"])
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"tampered")
    assert pull(cache, hub, "verify") == ["altered"]
    assert str(path) in pull(cache, hub)["error"]
    path.unlink()
    assert Path(pull(cache, hub)["path"]).read_bytes() == CONTENT


def test_a_file_that_was_not_pulled_is_not_trusted(cache: Path, hub: Hub) -> None:
    cache.mkdir()
    (cache / "toy-v1.onnx").write_bytes(CONTENT)
    assert pull(cache, hub, "verify") == ["unrecorded"]
    assert "not pulled by maquette" in pull(cache, hub)["error"]


@pytest.mark.parametrize(
    ("status", "reason", "advice"),
    [
        (401, "GatedRepo", "HF_TOKEN"),
        (401, "RepoNotFound", "HF_TOKEN, or the repository is gone"),
        (403, "GatedRepo", "accept its terms"),
        (404, "EntryNotFound", "gone"),
        (404, "RevisionNotFound", "revision is gone"),
        (500, "Other", "later"),
    ],
)
def test_what_the_server_refuses_is_told_in_one_line(
    cache: Path, hub: Hub, status: int, reason: str, advice: str
) -> None:
    hub.status, hub.reason = status, reason
    error = pull(cache, hub)["error"]
    assert str(status) in error
    assert "model.onnx" in error
    assert advice in error
    assert "\n" not in error
    assert in_cache(cache) == set()


def test_another_size_than_recorded_is_refused_before_a_byte_is_fetched(cache: Path, hub: Hub) -> None:
    error = pull(cache, hub, size=len(CONTENT) + 1)["error"]
    assert f"has {len(CONTENT)} bytes, not {len(CONTENT) + 1}" in error
    assert hub.gets == []
    assert "path" in pull(cache, hub, size=len(CONTENT))


def test_what_is_left_of_another_file_goes_away(cache: Path, hub: Hub) -> None:
    hub.cuts, hub.stall = [BLOCK + 700_000], True
    with start(cache, url(hub)) as process:
        deadline = time.monotonic() + 30
        while not any(part.stat().st_size for part in cache.glob("*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    hub.stall = False
    hub.content = CONTENT[::-1]
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    assert Path(pull(cache, hub)["path"]).read_bytes() == hub.content
    assert in_cache(cache) == {"toy-v1.onnx"}


def files_of_a_megabyte() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


def test_a_file_too_large_for_its_place_is_told(cache: Path, hub: Hub) -> None:
    error = pull(cache, hub, before=files_of_a_megabyte)["error"]
    assert "cannot be written" in error and "MAQUETTE_CACHE" in error
    assert "toy-v1.onnx" not in in_cache(cache)
    assert Path(pull(cache, hub)["path"]).read_bytes() == CONTENT


@pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True, check=False).returncode
    if shutil.which("unshare")
    else True,
    reason="no file system may be mounted here",
)
def test_a_full_disk_is_told(tmp_path: Path, hub: Hub) -> None:
    script = f'mount -t tmpfs -o size=2m x "{tmp_path}" && exec "$@"'
    words = [sys.executable, "-c", DRIVER, json.dumps({"sha256": None, "bytes": None})]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *words],
        env=environment(tmp_path, url(hub)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    error = json.loads(done.stdout)["error"]
    assert "No space left on device" in error and "free space" in error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_is_told(cache: Path, hub: Hub) -> None:
    cache.mkdir()
    cache.chmod(0o500)
    assert "MAQUETTE_CACHE" in pull(cache, hub)["error"]


def test_no_server(cache: Path, hub: Hub) -> None:
    endpoint = url(hub)
    hub.server_close()
    assert "cannot be fetched" in pull(cache, endpoint)["error"]


def test_offline_is_obeyed(cache: Path, hub: Hub) -> None:
    assert "HF_HUB_OFFLINE" in pull(cache, hub, HF_HUB_OFFLINE="1")["error"]
    assert hub.log == []


def test_two_pulls_at_once_both_end_well(cache: Path, hub: Hub) -> None:
    with start(cache, url(hub)) as one, start(cache, url(hub)) as two:
        results = [json.loads(process.communicate(timeout=60)[0]) for process in (one, two)]
    assert results[0]["path"] == results[1]["path"]
    assert Path(results[0]["path"]).read_bytes() == CONTENT
    assert hub.gets == [None]


def test_records_made_at_once_are_all_kept(tmp_path: Path) -> None:
    names = [f"net{number}.onnx" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: record(tmp_path / name, name[3:5]), names))
    assert {name: recorded(tmp_path / name) for name in names} == {name: name[3:5] for name in names}


@pytest.mark.parametrize("content", ["{", "[]", '{"toy-v1.onnx": 5}'])
def test_a_damaged_lock_file_is_told(cache: Path, hub: Hub, content: str) -> None:
    cache.mkdir()
    (cache / "lock.json").write_text(content)
    assert "lock.json" in pull(cache, hub)["error"]


def test_a_cache_that_cannot_be_written(tmp_path: Path, hub: Hub) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "MAQUETTE_CACHE" in pull(blocked / "cache", hub)["error"]
