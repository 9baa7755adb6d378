"""Soft edges, held against composites whose opacity and colours are known, and against closed-form matting itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from maquette.diorama.matte import estimate_foreground, solve_alpha
from maquette.photo import load_photo

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
SIZE = 240
PAIRS = (("chelsea", "rocket"), ("coffee", "chelsea"), ("astronaut", "coffee"), ("rocket", "astronaut"))


def photo(name: str) -> NDArray[np.uint8]:
    data = pytest.importorskip("skimage.data", reason="scikit-image carries the photos")
    rgb = load_photo(next(Path(data.__file__).parent.glob(f"{name}.*g"))).rgb
    return np.asarray(Image.fromarray(rgb).resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def disc(softness: float, size: int = SIZE) -> Floats:
    """Opacity of a disc whose edge is so many pixels wide."""
    y, x = np.mgrid[:size, :size]
    return np.clip(0.5 - (np.hypot(y - size / 2, x - size / 2) - size * 0.3) / softness, 0, 1).astype(np.float32)


def hair(seed: int) -> Floats:
    """Opacity of a ball with strands of half a pixel to two pixels."""
    random, scale = np.random.default_rng(seed), 4
    image = Image.new("L", (SIZE * scale, SIZE * scale))
    draw, middle = ImageDraw.Draw(image), SIZE * scale / 2
    draw.ellipse([middle * 0.55, middle * 0.55, middle * 1.45, middle * 1.45], fill=255)
    for _ in range(120):
        angle, bend, length = random.uniform(0, 2 * np.pi), random.uniform(-0.6, 0.6), random.uniform(0.3, 0.4)
        along = np.linspace(0, 1, 12)
        turn, radius = angle + bend * along**2, middle * (0.4 + length * along)
        points = np.stack([middle + radius * np.cos(turn), middle + radius * np.sin(turn)], axis=1)
        draw.line([tuple(p) for p in points], fill=255, width=int(random.choice([2, 3, 5, 8])))
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX), np.float32) / 255


def blend(front: NDArray[np.uint8], back: NDArray[np.uint8], alpha: Floats) -> NDArray[np.uint8]:
    return np.rint(front * alpha[..., None] + back * (1 - alpha[..., None])).astype(np.uint8)


def sides(alpha: Floats, reach: int = 4) -> tuple[Bools, Bools]:
    """What is surely in front and surely behind: ``reach`` pixels away from anything else."""
    return (
        np.asarray(ndimage.binary_erosion(alpha == 1, iterations=reach)),
        np.asarray(ndimage.binary_erosion(alpha == 0, iterations=reach)),
    )


def middle_of_band(foreground: Bools, background: Bools) -> Bools:
    """The cut along pixels that one would make without a matte: each pixel goes to the nearer side."""
    near, far = (ndimage.distance_transform_edt(~side) for side in (foreground, background))
    return np.asarray(near < far)


def closed_form(rgb: NDArray[np.uint8], foreground: Bools, background: Bools, epsilon: float = 1e-6) -> Floats:
    """Levin, Lischinski and Weiss 2008, equation 12, window by window, solved directly."""
    height, width = foreground.shape
    picture = rgb.reshape(-1, 3) / 255
    index = np.arange(height * width).reshape(height, width)
    band = ~(foreground | background)
    rows, columns, values = [], [], []
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            window = index[y - 1 : y + 2, x - 1 : x + 2].ravel()
            if not band.ravel()[window].any():
                continue
            off = picture[window] - picture[window].mean(axis=0)
            inverse = np.linalg.inv(off.T @ off / 9 + epsilon / 9 * np.eye(3))
            rows.append(np.repeat(window, 9))
            columns.append(np.tile(window, 9))
            values.append((np.eye(9) - (1 + off @ inverse @ off.T) / 9).ravel())
    where = (np.concatenate(rows), np.concatenate(columns))
    laplacian = sparse.coo_matrix((np.concatenate(values), where), shape=(index.size,) * 2)
    sure = 100.0 * ~band.ravel()
    solved = spsolve((laplacian + sparse.diags(sure + 1e-9)).tocsc(), sure * foreground.ravel())
    return np.clip(solved, 0, 1).reshape(height, width).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_sides_are_exact_and_the_band_is_between(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    foreground, background = data.draw(hnp.arrays(bool, shape)), data.draw(hnp.arrays(bool, shape))
    rgb = data.draw(hnp.arrays(np.uint8, (*shape, 3)))
    alpha = solve_alpha(rgb, foreground, background)
    assert alpha.shape == shape
    assert alpha.dtype == np.float32
    assert (alpha[foreground] == 1).all()
    assert (alpha[background & ~foreground] == 0).all()
    assert ((alpha >= 0) & (alpha <= 1)).all()


def test_one_side_only() -> None:
    rgb = photo("coffee")
    none, some = np.zeros((SIZE, SIZE), bool), disc(1) > 0.5
    assert not solve_alpha(rgb, none, some)[~some].any()
    assert (solve_alpha(rgb, some, none) == 1).all()
    assert not solve_alpha(rgb, none, none).any()


@pytest.mark.parametrize("softness", [1.0, 3.0, 8.0])
def test_two_plain_colours_are_unmixed_exactly(softness: float) -> None:
    front, back = np.full((SIZE, SIZE, 3), (210, 60, 40), np.uint8), np.full((SIZE, SIZE, 3), (30, 90, 170), np.uint8)
    alpha = disc(softness)
    solved = solve_alpha(blend(front, back, alpha), *sides(alpha))
    assert np.abs(solved - alpha).max() < 0.02


@pytest.mark.parametrize("names", PAIRS, ids="/".join)
@pytest.mark.parametrize("softness", [3.0, 10.0])
def test_better_than_cutting_and_than_blurring(names: tuple[str, str], softness: float) -> None:
    # The band is not centred on the edge, as the outline of a segment never is.
    alpha = disc(softness)
    foreground, background = sides(alpha, 2)[0], sides(alpha, 8)[1]
    band = ~(foreground | background)
    solved = solve_alpha(blend(photo(names[0]), photo(names[1]), alpha), foreground, background)
    cut = middle_of_band(foreground, background).astype(np.float32)
    error = np.abs(solved - alpha)[band].mean()
    assert error < 0.8 * np.abs(cut - alpha)[band].mean()
    assert error < 0.8 * min(np.abs(ndimage.gaussian_filter(cut, s) - alpha)[band].mean() for s in (2, 4))


@pytest.mark.parametrize("names", PAIRS, ids="/".join)
def test_hair_is_better_than_cutting_and_than_blurring(names: tuple[str, str]) -> None:
    alpha = hair(1)
    foreground = np.asarray(ndimage.binary_erosion(alpha == 1, iterations=4))
    background = ~ndimage.binary_dilation(ndimage.binary_closing(alpha > 0, iterations=6), iterations=3)
    band = ~(foreground | background)
    solved = solve_alpha(blend(photo(names[0]), photo(names[1]), alpha), foreground, background)
    cut = middle_of_band(foreground, background).astype(np.float32)
    error = np.abs(solved - alpha)[band].mean()
    assert error < np.abs(cut - alpha)[band].mean()
    assert error < np.abs(ndimage.gaussian_filter(cut, 4) - alpha)[band].mean()


def test_as_good_as_closed_form_matting_solved_directly() -> None:
    ours, theirs = [], []
    for front, back in PAIRS:
        alpha = disc(4)[20:220, 20:100]
        rgb = blend(photo(front), photo(back), disc(4))[20:220, 20:100]
        foreground, background = sides(alpha)
        band = ~(foreground | background)
        ours.append(np.abs(solve_alpha(rgb, foreground, background) - alpha)[band].mean())
        theirs.append(np.abs(closed_form(rgb, foreground, background) - alpha)[band].mean())
    assert np.mean(ours) < 1.25 * np.mean(theirs)


def test_large_pictures_are_solved_at_reduced_size_nearly_as_well() -> None:
    size = 1800
    y, x = np.mgrid[:size, :size]
    alpha = disc(8, size)
    front = np.stack([200 + 30 * np.sin(x / 40), 120 + y % 97 / 4, 60 + x % 61 / 4], axis=-1).astype(np.uint8)
    back = np.stack([40 + y % 83 / 4, 60 + 20 * np.cos(y / 50), 120 + x % 71 / 4], axis=-1).astype(np.uint8)
    foreground, background = sides(alpha, 8)
    band = ~(foreground | background)
    solved = solve_alpha(blend(front, back, alpha), foreground, background)
    assert (solved[foreground] == 1).all()
    assert not solved[background].any()
    assert np.abs(solved - alpha)[band].mean() < 0.04
    colours = estimate_foreground(blend(front, back, alpha), alpha)
    edge = (alpha > 0.1) & (alpha < 1)
    before = np.abs(blend(front, back, alpha)[edge].astype(int) - front[edge]).mean()
    assert np.abs(colours[edge].astype(int) - front[edge]).mean() < 0.25 * before


@pytest.mark.parametrize("names", PAIRS, ids="/".join)
@pytest.mark.parametrize("shape", ["disc", "soft", "hair"])
def test_foreground_colours_lose_the_background(names: tuple[str, str], shape: str) -> None:
    front, back = photo(names[0]), photo(names[1])
    alpha = {"disc": disc(3), "soft": disc(10), "hair": hair(2)}[shape]
    rgb = blend(front, back, alpha)
    edge = (alpha > 0) & (alpha < 1)
    share = alpha[edge][:, None]

    def error(colours: NDArray[np.uint8]) -> float:
        return float((np.abs(colours[edge].astype(float) - front[edge]) * share).sum() / share.sum() / 3)

    assert error(estimate_foreground(rgb, alpha)) < (0.65 if shape == "soft" else 0.4) * error(rgb)


@pytest.mark.parametrize("names", PAIRS, ids="/".join)
def test_both_sides_blend_to_the_picture(names: tuple[str, str]) -> None:
    alpha = hair(3)
    rgb = blend(photo(names[0]), photo(names[1]), alpha)
    again = blend(estimate_foreground(rgb, alpha), estimate_foreground(rgb, 1 - alpha), alpha)
    off = np.abs(again.astype(int) - rgb).max(axis=2)
    edge = (alpha > 0) & (alpha < 1)
    assert (off[~edge] == 0).all()
    assert (off[edge] <= 1).mean() > 0.9  # the rest was clipped at black or white
    assert off[edge].mean() < 0.6


def test_foreground_is_left_alone_where_nothing_is_mixed() -> None:
    rgb, alpha = photo("rocket"), disc(5)
    colours = estimate_foreground(rgb, alpha)
    sure = (alpha == 0) | (alpha == 1)
    assert np.array_equal(colours[sure], rgb[sure])
    assert np.array_equal(estimate_foreground(rgb, (alpha > 0.5).astype(np.float32)), rgb)


def test_the_same_picture_gives_the_same_matte() -> None:
    alpha = disc(4)
    rgb = blend(photo("coffee"), photo("chelsea"), alpha)
    first, second = (solve_alpha(rgb, *sides(alpha)) for _ in range(2))
    assert first.tobytes() == second.tobytes()


_THREADS = """
import hashlib, sys
import numpy as np
from maquette.diorama.fill import fill
from maquette.diorama.matte import estimate_foreground, solve_alpha
random = np.random.default_rng(0)
rgb = random.integers(0, 256, (300, 400, 3)).astype(np.uint8)
rgb[50:] = rgb[50:] // 4 + np.linspace(0, 180, 400)[:, None].astype(np.uint8)
y, x = np.mgrid[:300, :400]
r = np.hypot(y - 150, x - 200)
alpha = solve_alpha(rgb, r < 80, r > 120)
made = [alpha, estimate_foreground(rgb, alpha)] + [fill(rgb, r > 60, r < 70, m) for m in ("spread", "pyramid", "patch")]
print(hashlib.sha256(b"".join(part.tobytes() for part in made)).hexdigest())
"""


def test_threads_do_not_change_a_bit() -> None:
    made = set()
    for threads in ("1", "2", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run([sys.executable, "-c", _THREADS], env=environment, capture_output=True, check=True)
        made.add(done.stdout)
    assert len(made) == 1
