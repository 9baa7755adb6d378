"""``pull`` and ``verify`` against a local server that speaks the Hub's protocol as far as a download needs it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

BLOCK = 10 * 2**20  # huggingface_hub writes in pieces of this size
CONTENT = hashlib.shake_256(b"network").digest(2 * BLOCK + 5000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"

DRIVER = """
import dataclasses, json, sys
from maquette.errors import ModelError
from maquette.models.catalogue import EMBEDDED, Source, resolve
from maquette.models.download import pull, verify
sha256 = json.loads(sys.argv[1])
source = Source("someone/network", "0123456789abcdef0123456789abcdef01234567", "onnx/model.onnx")
model = dataclasses.replace(resolve(EMBEDDED), name="toy", tag="v1", file=None, source=source, sha256=sha256)
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
            self.send_header("X-Error-Code", "EntryNotFound" if hub.status == 404 else "Other")
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


def start(cache: Path, endpoint: str, *words: str, sha256: str | None = None, **env: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, json.dumps(sha256), *words],
        env=clean | {"MAQUETTE_CACHE": str(cache), "HF_HOME": str(cache / "hf"), "HF_ENDPOINT": endpoint, **env},
        stdout=subprocess.PIPE,
        text=True,
    )


def url(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_address[1]}"


def pull(cache: Path, hub: Hub | str, *words: str, sha256: str | None = None, **env: str) -> Any:
    endpoint = hub if isinstance(hub, str) else url(hub)
    with start(cache, endpoint, *words, sha256=sha256, **env) as process:
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


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_what_the_server_refuses_is_told_in_one_line(cache: Path, hub: Hub, status: int) -> None:
    hub.status = status
    error = pull(cache, hub)["error"]
    assert str(status) in error
    assert "model.onnx" in error
    assert "\n" not in error
    assert in_cache(cache) == set()


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


@pytest.mark.parametrize("content", ["{", "[]", '{"toy-v1.onnx": 5}'])
def test_a_damaged_lock_file_is_told(cache: Path, hub: Hub, content: str) -> None:
    cache.mkdir()
    (cache / "lock.json").write_text(content)
    assert "lock.json" in pull(cache, hub)["error"]


def test_a_cache_that_cannot_be_written(tmp_path: Path, hub: Hub) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "MAQUETTE_CACHE" in pull(blocked / "cache", hub)["error"]
