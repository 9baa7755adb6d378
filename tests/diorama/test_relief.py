from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from maquette.diorama.build import build
from maquette.diorama.options import DioramaOptions
from maquette.diorama.planes import FARTHEST_M
from maquette.diorama.relief import follow
from maquette.scene import Plane, Relief, Scene
from tests.diorama.drawn import draw, paint

WIDTH, HEIGHT = 120, 80
ALL = np.zeros((HEIGHT, WIDTH), np.int16)
X, Y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
PIXELS = np.stack([X, Y], axis=-1)


def blank(bounds: tuple[int, int, int, int], inverse_depth: tuple[float, float, float]) -> Plane:
    left, top, right, bottom = bounds
    return Plane(left, top, np.full((bottom - top, right - left, 4), 255, np.uint8), inverse_depth)


def surface(plane: Plane, relief: Relief) -> NDArray[np.float64]:
    """Inverse depth of a layer at every pixel."""
    return replace(plane, relief=relief).inverse_depth_at(PIXELS)


@pytest.mark.parametrize("bounds", [(0, 0, WIDTH, HEIGHT), (-21, -10, 133, 97), (30, 20, 51, 67)])
def test_a_plane_has_no_relief(bounds: tuple[int, int, int, int]) -> None:
    plane = blank(bounds, (0.0004, -0.001, 0.3))
    relief = follow(plane, ALL, 0, plane.depth_m(PIXELS).astype(np.float32))
    assert np.abs(relief.inverse_depth).max() < 1e-6
    left, top, right, bottom = bounds
    rows, columns = relief.inverse_depth.shape
    assert (relief.x, relief.y) == (left, top)
    assert relief.x + (columns - 1) * relief.step >= right
    assert relief.y + (rows - 1) * relief.step >= bottom


def test_follows_a_smooth_surface() -> None:
    """Means over a cell and a bilinear surface are off by at most h^2 / 24 and h^2 / 8 times the second derivatives."""
    inverse = 0.3 + 0.05 * np.sin(X / 15) * np.cos(Y / 20)
    plane = blank((0, 0, WIDTH, HEIGHT), (0.0001, 0.0, 0.25))
    relief = follow(plane, ALL, 0, (1 / inverse).astype(np.float32))
    bend = 0.05 / 15**2 + 0.05 / 20**2
    inner = np.s_[4:-4, 4:-4]
    error = np.abs(surface(plane, relief) - inverse)[inner].max()
    assert error <= bend * relief.step**2 * (1 / 24 + 1 / 8)
    assert error < np.abs(plane.inverse_depth_at(PIXELS) - inverse).max() / 50


def test_a_depth_edge_makes_no_third_surface() -> None:
    near = (X - 60) ** 2 + (Y - 40) ** 2 < 25**2
    plane = blank((0, 0, WIDTH, HEIGHT), (0.0, 0.0, 0.3))
    relief = follow(plane, ALL, 0, np.where(near, 2.0, 4.0).astype(np.float32))
    depths = 1 / (0.3 + relief.inverse_depth)
    assert np.all(np.isclose(depths, 2, rtol=1e-5) | np.isclose(depths, 4, rtol=1e-5))
    inner = ndimage.binary_erosion(near, iterations=6)
    assert np.allclose(surface(plane, relief)[inner], 0.5)


def test_the_depth_of_a_neighbour_along_the_border_does_not_count() -> None:
    level = ((X > 30) & (Y > 20)).astype(np.int16)
    inverse = np.where(level == 1, 0.5, 0.25)
    inverse[:, 30], inverse[20] = 0.25, 0.25
    plane = blank((29, 19, WIDTH, HEIGHT), (0.0, 0.0, 0.4))
    made = surface(plane, follow(plane, level, 1, (1 / inverse).astype(np.float32)))
    assert np.allclose(made[level == 1], 0.5)


def test_a_layer_too_thin_to_have_an_inside_is_followed_all_the_same() -> None:
    level = np.zeros((HEIGHT, WIDTH), np.int16)
    level[:, 40] = 1
    plane = blank((38, 0, 43, HEIGHT), (0.0, 0.0, 0.4))
    made = surface(plane, follow(plane, level, 1, np.where(level == 1, 2.0, 4.0).astype(np.float32)))
    assert np.allclose(made[level == 1], 0.5)


def test_noise_makes_no_surface() -> None:
    depth = np.full((HEIGHT, WIDTH), 4.0, np.float32)
    depth[42, 53] = 1.0
    plane = blank((0, 0, WIDTH, HEIGHT), (0.0, 0.0, 0.25))
    assert np.abs(follow(plane, ALL, 0, depth).inverse_depth).max() < 1e-6
    noise = np.random.default_rng(0).normal(0, 0.01, depth.shape)
    relief = follow(plane, ALL, 0, (4 * (1 + noise)).astype(np.float32))
    assert np.abs(relief.inverse_depth).max() < 5 * 0.25 * 0.01 / relief.step


def test_continues_behind_what_covers_it_and_before_what_it_covers() -> None:
    """A bumpy layer between a wall and a card: hidden by the card, with a soft edge over the wall."""
    level = np.zeros((HEIGHT, WIDTH), np.int16)
    level[:, 30:] = 1
    level[20:60, 50:80] = 2
    inverse = np.where(level == 0, 0.24, np.where(level == 1, 0.25 + 0.05 * np.sin(X / 6), 0.26))
    plane = blank((20, -16, 140, HEIGHT + 16), (0.0, 0.0, 0.25))
    relief = follow(plane, level, 1, (1 / inverse).astype(np.float32))
    made = surface(plane, relief)
    step = int(relief.step)
    hidden = ndimage.binary_erosion(level == 2, iterations=step)
    assert np.all(made[hidden] <= 0.26 + 1e-6)
    assert made[hidden].max() > 0.25
    over = np.zeros_like(hidden)
    over[:, 20 : 30 - step] = True
    assert np.all(made[over] >= 0.24 - 1e-6)


def test_continues_beyond_what_is_seen_of_it_as_there() -> None:
    plane = blank((-40, -20, WIDTH + 40, HEIGHT), (0.0001, 0.0, 0.25))
    relief = follow(plane, ALL, 0, (1 / (plane.inverse_depth_at(PIXELS) + 0.001 * Y)).astype(np.float32))
    middle = replace(plane, relief=relief).inverse_depth_at([(x, 40.0) for x in (-40, 0, WIDTH, WIDTH + 40)])
    assert np.allclose(middle, plane.inverse_depth_at([(x, 40.0) for x in (-40, 0, WIDTH, WIDTH + 40)]) + 0.04)


@pytest.mark.parametrize("slope", [0.0, 0.003])
def test_stays_in_front_of_the_farthest(slope: float) -> None:
    plane = blank((-30, 0, WIDTH, HEIGHT), (slope, 0.0, 0.1))
    relief = follow(plane, ALL, 0, np.full((HEIGHT, WIDTH), 1e5, np.float32))
    left_end = replace(plane, relief=relief).inverse_depth_at([(-30, 0), (-30, HEIGHT)])
    made = surface(plane, relief)
    assert min(left_end.min(), made.min()) >= 0.9999 / FARTHEST_M
    assert made[:, :-4].max() < 1.5 / FARTHEST_M  # the last cell continues along the slope


def test_a_layer_of_which_nothing_is_seen_stays_a_plane() -> None:
    plane = blank((10, 10, 50, 50), (0.0, 0.0, 0.25))
    assert not follow(plane, ALL, 3, np.ones((HEIGHT, WIDTH), np.float32)).inverse_depth.any()


def error_of_depth(scene: Scene, depth_m: NDArray[np.float32]) -> NDArray[np.float64]:
    """Relative error of the depth of what is seen on top at each pixel, where that is opaque and not sky."""
    error = np.full(depth_m.shape, np.nan)
    height, width = depth_m.shape
    y, x = np.mgrid[:height, :width]
    for node in scene.nodes:
        left, top, right, bottom = node.plane.bounds
        inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        alpha = np.zeros(depth_m.shape, np.uint8)
        alpha[inside] = node.plane.texture[y[inside] - top, x[inside] - left, 3]
        here = alpha == 255
        made = node.plane.depth_m(np.stack([x[here], y[here]], axis=-1) + 0.5)
        error[here] = np.nan if node.label == "sky" else np.abs(made / depth_m[here] - 1)
    return error


def test_a_diorama_with_relief_follows_depth_and_gives_the_photo_back() -> None:
    photo, seen = draw()
    waves = 1 + 0.15 * np.sin((np.arange(240) + 0.5) / 12)
    wavy = np.where(seen.depth_m < 900, seen.depth_m * waves, seen.depth_m)
    seen = replace(seen, depth_m=wavy.astype(np.float32))
    scenes = {planes: build(photo, seen, DioramaOptions(planes=planes)) for planes in ("fitted", "relief")}
    error = {planes: error_of_depth(scene, seen.depth_m) for planes, scene in scenes.items()}
    assert np.nanmedian(error["relief"]) < 0.2 * np.nanmedian(error["fitted"])
    painted = paint(scenes["relief"], (160, 240))
    assert painted[..., 3].min() > 0.99
    assert np.abs(painted[..., :3] - photo.rgb).max() <= 2
    assert [n.plane.relief is None for n in scenes["relief"].nodes] == [
        n.label == "sky" for n in scenes["relief"].nodes
    ]
    for node in scenes["relief"].nodes:
        left, top, right, bottom = node.plane.bounds
        x, y = np.meshgrid(np.arange(left, right + 1), np.arange(top, bottom + 1))
        assert node.plane.inverse_depth_at(np.stack([x, y], axis=-1)).min() > 0
    assert all(n.plane.relief is None for n in build(photo, seen, DioramaOptions("paper", "relief")).nodes)
