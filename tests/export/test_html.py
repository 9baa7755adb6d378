import base64
import io
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from maquette.export.glb import encode_glb
from maquette.export.html import encode_html
from maquette.export.images import move_m
from tests.export.browser import CHROMIUM, Browser
from tests.export.scenes import make_scene, photo_like, psnr

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="looking at the page needs Chromium")
STILL = "--force-prefers-reduced-motion"
WIDTH, HEIGHT = 640, 427


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "preview.html"
    path.write_bytes(b"".join(encode_html(make_scene(WIDTH, HEIGHT, 5))))
    return path


def like_photo(picture: NDArray[np.uint8]) -> float:
    """PSNR against the photo, but for the corner that the list of layers covers."""
    photo = photo_like(WIDTH, HEIGHT)
    picture[:60, :120] = photo[:60, :120]
    return psnr(picture, photo)


@pytest.mark.slow
@needs_chromium
def test_starts_as_the_photo_and_asks_for_nothing(page: Path) -> None:
    with Browser(page, WIDTH, HEIGHT, STILL) as browser:
        assert like_photo(browser.picture()) > 40
        assert browser.complaints == []
        assert browser.requests == [page.as_uri()]


@pytest.mark.slow
@needs_chromium
def test_a_wide_window_is_letterboxed(page: Path) -> None:
    with Browser(page, 1000, HEIGHT, STILL) as browser:
        picture = browser.picture()
    assert like_photo(picture[:, 180:820].copy()) > 40
    assert np.ptp(picture[60:, :178].reshape(-1, 3), axis=0).max() == 0


@pytest.mark.slow
@needs_chromium
def test_the_pointer_and_the_keys_move_the_camera(page: Path) -> None:
    scene = make_scene(WIDTH, HEIGHT, 5)
    right = scene.render(scene.camera.moved((move_m(scene), 0, 0)))[..., :3]
    with Browser(page, WIDTH, HEIGHT, STILL) as browser:
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=WIDTH - 1, y=HEIGHT // 2)
        time.sleep(2)
        seen = browser.picture()
        assert psnr(seen[60:, 120:-60], right[60:, 120:-60]) > 30
        assert like_photo(seen) < 25
        for _ in range(5):
            browser.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowLeft")
        time.sleep(2)
        assert like_photo(browser.picture()) > 30


@pytest.mark.slow
@needs_chromium
def test_sways_until_touched_unless_motion_is_unwanted(page: Path) -> None:
    with Browser(page, WIDTH, HEIGHT) as browser:
        deadline = time.monotonic() + 30
        while like_photo(browser.picture()) > 31:
            assert time.monotonic() < deadline, "nothing moves"
        browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=WIDTH // 2, y=HEIGHT // 2)
        time.sleep(2)
        assert like_photo(browser.picture()) > 30


@pytest.mark.slow
@needs_chromium
def test_layers_can_be_hidden(page: Path) -> None:
    scene = make_scene(WIDTH, HEIGHT, 5)
    with Browser(page, WIDTH, HEIGHT, STILL) as browser:
        names = browser.evaluate("[...document.querySelectorAll('label')].map(label => label.textContent.trim())")
        assert names == [node.name for node in scene.nodes][::-1]
        browser.evaluate("document.querySelectorAll('input').forEach((box, i) => { if (i < 5) box.click() })")
        without = replace(scene, nodes=scene.nodes[:-5]).render()[..., :3]
        assert psnr(browser.picture()[60:, 120:], without[60:, 120:]) > 40
        browser.evaluate("document.querySelectorAll('input').forEach((box, i) => { if (i >= 5) box.click() })")
        assert np.ptp(browser.picture()[60:, 120:].reshape(-1, 3), axis=0).max() == 0


@pytest.mark.slow
@needs_chromium
def test_says_so_where_webgl_is_missing(page: Path) -> None:
    with Browser(page, WIDTH, HEIGHT, "--disable-3d-apis") as browser:
        assert browser.evaluate("document.getElementById('message').textContent").startswith("This page needs WebGL 2")


def test_holds_the_glb_and_no_address() -> None:
    scene = make_scene()
    page = b"".join(encode_html(scene)).decode()
    assert re.findall(r"https?:|//cdn|src=|href=|@import|url\(", re.sub(r'id="glb">[^<]*', "", page)) == []
    assert "{{" not in page
    assert f"const MOVE_M = {move_m(scene)!r};" in page
    assert b"".join(encode_html(scene, encode_glb(scene))).decode() == page


def test_a_name_cannot_become_markup() -> None:
    page = b"".join(encode_html(replace(make_scene(), name='</title><script>alert("1")</script>'))).decode()
    assert "alert" not in page.replace("&lt;script&gt;alert(&quot;1&quot;)", "")


def test_large_photos_are_brought_down() -> None:
    page = b"".join(encode_html(make_scene(2300, 200, 1, overscan=False))).decode()
    glb = base64.b64decode(re.findall(r'id="glb">([^<]*)', page)[0])
    assert trimesh.load(io.BytesIO(glb), file_type="glb").geometry["sky"].visual.material.baseColorTexture.width == 2048
