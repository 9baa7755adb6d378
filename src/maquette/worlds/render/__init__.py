"""Worlds to pictures and their truth, pixel by pixel."""

from __future__ import annotations

from typing import Literal, Protocol, Self

from maquette.worlds.types import View, World


class Renderer(Protocol):
    """Draws worlds; a context manager that holds what the drawing needs."""

    def __enter__(self) -> Self:
        """Take it into use."""
        ...

    def __exit__(self, *error: object) -> None:
        """Free what it holds."""
        ...

    def render(self, world: World, *, amodal: bool = False) -> tuple[View, ...]:
        """Draw one view for each of the world's cameras.

        Args:
            world: What to draw.
            amodal: Draw each object's mask as if it stood alone, too.
        """
        ...


def make_renderer(name: Literal["gl", "blender"], samples: int) -> Renderer:
    """Make a renderer.

    Args:
        name: ``gl`` draws with OpenGL (``maquette.worlds.render.gl``); ``blender`` with Blender's Cycles.
        samples: Samples a pixel of ``blender``.

    Raises:
        MaquetteError: What it needs is not installed.
    """
    if name == "blender":
        from maquette.worlds.render.blender import BlenderRenderer

        return BlenderRenderer(samples=samples)
    from maquette.worlds.render.gl import GlRenderer

    return GlRenderer()
