"""Records as files: everything comes back, and the same record always gives the same bytes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import MaquetteError
from maquette.worlds.encode import decode, encode
from tests.worlds.records import random_record
from tests.worlds.same import same


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    views=st.integers(1, 3),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    objects=st.integers(0, 4),
    grid=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    volumes=st.integers(0, 2),
    shapes=st.booleans(),
    amodal=st.booleans(),
)
def test_a_record_comes_back(
    seed: int,
    views: int,
    size: tuple[int, int],
    objects: int,
    grid: tuple[int, int, int] | None,
    volumes: int,
    shapes: bool,
    amodal: bool,
) -> None:
    record = random_record(
        seed, views=views, size=size, objects=objects, grid=grid, volumes=volumes, shapes=shapes, amodal=amodal
    )
    files = encode(record)
    back = decode(files, "here")
    assert same(back, record, rounded=("normals_cam",))
    assert encode(back) == files


def test_normals_turn_by_less_than_it_says() -> None:
    record = random_record(1, size=(200, 200), objects=0)
    back = decode(encode(record), "here")
    for before, after in zip(record.views, back.views, strict=True):
        cosine = (before.normals_cam * after.normals_cam).sum(axis=-1, dtype=np.float64)
        sine = np.linalg.norm(np.cross(before.normals_cam.astype(np.float64), after.normals_cam), axis=-1)
        assert np.degrees(np.arctan2(sine, cosine)).max() < 0.05


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.worlds.records import random_record; from maquette.worlds.encode import encode\n"
        "print(hashlib.sha256(repr(sorted(encode(random_record(5)).items())).encode()).hexdigest())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in "12"
    }
    assert len(runs) == 1


def test_numpy_reads_every_array_without_pickles() -> None:
    record = random_record(2)
    for name, content in encode(record).items():
        if name.endswith(".npz"):
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                assert all(arrays[key].dtype != object for key in arrays)
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_bits_unpack_as_the_docs_say() -> None:
    record = random_record(3)
    with np.load(io.BytesIO(encode(record)["grid.npz"])) as arrays:
        shape = arrays["occupancy_shape"]
        bits = np.unpackbits(arrays["occupancy_bits"], count=shape.prod()).reshape(shape)
    assert np.array_equal(bits.astype(bool), record.occupancy)


@pytest.mark.parametrize("name", ["json", "view0.png", "view1.npz", "grid.npz", "volume0.npz", "shapes.npz"])
def test_damage_is_one_clear_line(name: str) -> None:
    files = encode(random_record(4))
    for content in (files[name][: len(files[name]) // 2], b"", b"\0" * 100):
        with pytest.raises(MaquetteError, match=r"^here: damaged \(") as caught:
            decode({**files, name: content}, "here")
        assert "\n" not in str(caught.value)
    if name != "grid.npz":
        without = {key: content for key, content in files.items() if key != name}
        with pytest.raises(MaquetteError, match="is missing"):
            decode(without, "here")


def test_a_newer_version_is_told() -> None:
    files = encode(random_record(6))
    newer = json.dumps({**json.loads(files["json"]), "version": 99}).encode()
    with pytest.raises(MaquetteError, match="update maquette"):
        decode({**files, "json": newer}, "here")
