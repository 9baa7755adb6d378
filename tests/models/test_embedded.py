"""The network that ships: it is the file that its card describes, and it does what the card says."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maquette.camera import Camera
from maquette.metrics.depth import all_metrics_median_scaled
from maquette.models.catalogue import EMBEDDED, resolve
from maquette.perception.network import run_embedded

MODELS = Path(str(files("maquette") / "models"))
NUMBERS = json.loads((MODELS / "maquette-small.json").read_text())
OSD = Path(__file__).resolve().parents[2] / ".." / "shared" / "rgbd" / "osd"
HOLD_OUT, FOCAL_PX = 5, 525.0


def test_file_catalogue_and_card_speak_of_the_same_bytes():
    content = (MODELS / "maquette-small.onnx").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert len(content) < 12e6
    assert (resolve(EMBEDDED).sha256, resolve(EMBEDDED).bytes) == (digest, len(content))
    assert (NUMBERS["file"]["sha256"], NUMBERS["file"]["bytes"]) == (digest, len(content))
    assert digest in (MODELS / "cards" / "maquette-small.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(not OSD.is_dir(), reason="../shared/rgbd is not there")
def test_depth_on_the_validation_scenes_is_what_the_card_says():
    paths = sorted(OSD.glob("learn*.jpg"), key=lambda p: int(p.stem[5:]))[HOLD_OUT - 1 :: HOLD_OUT]
    errors = []
    for path in paths:
        rgb = np.asarray(Image.open(path).convert("RGB"))
        truth = np.asarray(Image.open(path.with_suffix(".depth.png"))).astype(np.float64) / 1000
        height, width = truth.shape
        camera = Camera(width, height, FOCAL_PX, (width / 2, height / 2), np.eye(4))
        coarse = Image.fromarray(run_embedded(rgb, camera, 0).depth_m)
        depth = np.asarray(coarse.resize((width, height), Image.Resampling.BILINEAR), dtype=np.float64)
        errors.append(all_metrics_median_scaled(depth, truth)["abs_rel_median_scaled"])
    assert np.mean(errors) == pytest.approx(NUMBERS["depth"]["validation"]["abs_rel_median_scaled"], rel=0.03)
