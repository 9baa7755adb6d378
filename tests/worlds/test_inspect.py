"""Counts and quantiles, against NumPy's own on all values at once."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from maquette.datasets.statistics import QUANTILES
from maquette.worlds.inspect import summarize, tables
from maquette.worlds.record import CLASSES, SceneRecord, Visibility
from tests.worlds.records import random_record


def records() -> list[SceneRecord]:
    rng = np.random.default_rng(0)
    made = []
    for number in range(6):
        record = random_record(number, size=(60, 40))
        views = []
        for view in record.views:
            depth = np.exp(rng.normal(1 + number % 2, 1, view.depth_m.shape)).astype(np.float32)
            depth[:8] = 0
            views.append(replace(view, depth_m=depth))
        made.append(replace(record, views=tuple(views), kind=("room", "street")[number % 2]))
    return made


def test_depth_quantiles_are_numpys() -> None:
    made = records()
    found = summarize(made)["depth_m"]
    for kind in ("room", "street", "all"):
        depths = np.concatenate([v.depth_m.ravel() for r in made if kind in (r.kind, "all") for v in r.views])
        known = depths[depths > 0].astype(np.float64)
        assert found[kind]["minimum"] == known.min() and found[kind]["maximum"] == known.max()
        assert found[kind]["average"] == pytest.approx(known.mean(), rel=1e-9)
        assert found[kind]["sky"] == pytest.approx(0.2)
        exact = np.quantile(known, QUANTILES, method="inverted_cdf")
        assert list(found[kind]["quantiles"].values()) == pytest.approx(exact, rel=7e-4)


def test_families_and_styles_are_counted() -> None:
    (record,) = [random_record(0, objects=3)]
    seen = [
        Visibility((0, 0, 1, 1), (0, 0, 2, 2), 1, 4),
        Visibility(None, (0, 0, 2, 2), 0, 4),
        Visibility(None, None, 0, 0),
    ]
    objects = tuple(
        replace(entry, family=family, style=style, visibility=tuple(seen[:count]))
        for entry, family, style, count in zip(
            record.objects, ("chair", "chair", "bag"), ("shell", "stool", "tote"), (3, 1, 0), strict=True
        )
    )
    summary = summarize([replace(record, objects=objects), replace(record, objects=objects[1:])])
    chair = summary["families"]["chair"]
    assert (chair["count"], chair["per_scene"], chair["styles"]) == (3, 1.5, {"shell": 1, "stool": 2})
    assert chair["visible"] == pytest.approx((0.25 + 0 + 0.25 + 0.25) / 4)
    assert chair["hidden"] == pytest.approx(1 / 4)
    assert summary["families"]["bag"]["visible"] is None


def test_cells_are_counted() -> None:
    made = records()
    found = summarize(made)["grid"]
    assert found["occupied"] == pytest.approx(np.mean([record.occupancy for record in made]))
    shares = np.mean([record.classes for record in made], axis=(0, 1, 2, 3))
    assert [found[name] for name in CLASSES] == pytest.approx(shares)


def test_every_number_is_in_the_text_and_in_the_json() -> None:
    summary = summarize(records())
    assert json.loads(json.dumps(summary)) == summary
    text = tables(summary)
    for word in (
        "6 scenes (3 room, 3 street), 12 pictures",
        "chair",
        "shell 18",
        "Q 0.001",
        "Q 0.5",
        "sky",
        "occupied",
    ):
        assert word in text


def test_pictures_alone_are_counted_too() -> None:
    bare = replace(random_record(0), kind=None, views=(), objects=(), occupancy=None, classes=None)
    summary = summarize([bare])
    assert summary["kinds"] == {"unknown": 1} and not summary["depth_m"] and not summary["grid"]
    assert tables(summary) == "1 scenes (1 unknown), 2 pictures"


def test_nothing_but_sky() -> None:
    record = random_record(0, views=1)
    sky = replace(record.views[0], depth_m=np.zeros_like(record.views[0].depth_m))
    found = summarize([replace(record, views=(sky,))])["depth_m"]["studio"]
    assert (found["sky"], found["maximum"]) == (1.0, 0.0)
