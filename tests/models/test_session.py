"""Sessions under concurrent callers, and of files that change."""

from __future__ import annotations

import dataclasses
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import ModelError
from maquette.models import session
from maquette.models.catalogue import EMBEDDED, Model, resolve
from tests.perception import tiny

DEPTH = [("depth", (4,))]
CALLERS = 8


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[object]]:
    """The sessions that are loaded while a test runs, none being open at its start."""
    seen: list[weakref.ref[object]] = []
    load = session._load

    def watched(path: Path, threads: int) -> object:
        made = load(path, threads)
        seen.append(weakref.ref(made))
        return made

    monkeypatch.setattr(session, "_open", {})
    monkeypatch.setattr(session, "_load", watched)
    return seen


def at_the_same_time(call: Callable[[int], np.ndarray]) -> list[np.ndarray]:
    barrier = threading.Barrier(CALLERS)

    def wait_and_call(index: int) -> np.ndarray:
        barrier.wait()
        return call(index)

    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(wait_and_call, range(CALLERS)))


def picture(value: float, side: int = 16) -> np.ndarray:
    return np.full((1, 3, side, side), value, np.float32)


def network(folder: Path, name: str = "net.onnx", scale: float = 10.0) -> Model:
    return resolve(str(tiny.depth(folder / name, "metric", scale=scale, shift=0.0)))


def test_callers_at_the_same_time_share_one_session_and_get_their_own_results(tmp_path, loads):
    model = network(tmp_path)
    results = at_the_same_time(lambda i: session.run(model, picture(i / CALLERS, 16 + i), DEPTH)[0])
    assert len(loads) == 1
    for i, depth in enumerate(results):
        assert np.allclose(depth, 10 * i / CALLERS) and depth.shape == (1, 1, 16 + i, 16 + i)


def test_the_embedded_network_gives_the_same_bytes_to_all_callers_on_any_threads(loads):
    model = resolve(EMBEDDED)
    image = np.random.default_rng(0).random((1, 3, 96, 128), np.float32) * 2 - 1
    outputs = [("depth", (4,))]
    alone = session.run(model, image, outputs, 1)[0]
    for result in at_the_same_time(lambda _: session.run(model, image, outputs, 2)[0]):
        assert np.array_equal(result, alone)
    assert len(loads) == 2


def test_a_file_that_changed_is_loaded_anew_and_the_old_session_is_gone(tmp_path, loads):
    model = network(tmp_path, scale=10.0)
    assert np.allclose(session.run(model, picture(1.0), DEPTH)[0], 10)
    network(tmp_path, scale=20.5)
    assert np.allclose(session.run(model, picture(1.0), DEPTH)[0], 20.5)
    session.run(model, picture(1.0), DEPTH)
    gc.collect()
    assert [made() is None for made in loads] == [True, False]


def test_only_so_many_networks_stay_open_and_the_used_ones_do(tmp_path, loads):
    models = [network(tmp_path, f"{index}.onnx") for index in range(session._MOST_OPEN + 2)]
    for model in models:
        session.run(model, picture(0.5), DEPTH)
        session.run(models[0], picture(0.5), DEPTH)
    gc.collect()
    alive = [made() is not None for made in loads]
    assert len(loads) == len(models) and sum(alive) == session._MOST_OPEN and alive[0]


def test_a_file_that_cannot_be_loaded_fails_for_each_caller_and_blocks_none(tmp_path, loads):
    model = network(tmp_path)
    broken = dataclasses.replace(model, file=tmp_path / "broken.onnx", sha256=None)
    (tmp_path / "broken.onnx").write_bytes(b"no network")

    def fails(_: int) -> np.ndarray:
        with pytest.raises(ModelError, match=r"broken\.onnx: not a usable ONNX network"):
            session.run(broken, picture(0.5), DEPTH)
        return session.run(model, picture(0.5), DEPTH)[0]

    assert all(np.allclose(result, 5) for result in at_the_same_time(fails))
    assert len(loads) == 1


def test_a_run_that_fails_lets_the_next_one_in(tmp_path, loads):
    model = network(tmp_path)
    with pytest.raises(ModelError, match="failed on a picture of shape"):
        session.run(model, np.zeros((1, 2, 16, 16), np.float32), DEPTH)
    assert np.allclose(session.run(model, picture(0.5), DEPTH)[0], 5)
