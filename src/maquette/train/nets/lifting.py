"""Voxels from any number of views of any calibrated rig: features are lifted along the known rays.

It differs from the Everted U-Net in how a view reaches the room. There a latent volume of each view is learned to be
where it belongs; here every cell looks up where the cameras see it. The cells keep the paper's frozen features, its
contraction to 5 x 6 x 4 and its softmax over the views. A cell is told how far it lies in front of or behind the
surface that its pixel shows (as in Lift, Splat, Shoot, Philion and Fidler 2020, with the depth itself supervised as in
BEVDepth, Li et al. 2023), and the finest level is learned where the room is not plainly empty (PointRend, Kirillov et
al. 2020).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.train.nets.extractor import Scales
from maquette.worlds.record import CLASSES

OUTPUTS = 1 + len(CLASSES)
_NEAREST_M = 0.1
_COARSE, _FINE = 24, 8
_LOG_DEPTH_PRIOR = 1.3
SCALES = (-3.5, 0.0)
"""Bounds of the log of the Laplace scale of log depth: 3% to a factor of e."""


class Seen(NamedTuple):
    """Maps of the views; every member is (N, C, h, w).

    Attributes:
        coarse: Features at 1/4.
        fine: Features at 1/2.
        surface4: At 1/4: log of the depth in metres, log of its Laplace scale, and the logits of background and the
            six classes.
        surface2: The same at 1/2.
    """

    coarse: Tensor
    fine: Tensor
    surface4: Tensor
    surface2: Tensor


def _conv2(cin: int, cout: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(cin, cout, size, stride, size // 2, bias=False), nn.BatchNorm2d(cout), nn.ReLU())


def _conv3(cin: int, cout: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    padding = (size - 1) // 2
    return nn.Sequential(nn.Conv3d(cin, cout, size, stride, padding, bias=False), nn.BatchNorm3d(cout), nn.ReLU())


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Pictures(nn.Module):
    """From frozen features and the picture itself to maps at 1/4 and 1/2."""

    def __init__(self, channels: tuple[int, int, int]) -> None:
        """Build on features of these ``channels`` at 1/4, 1/8 and 1/16."""
        super().__init__()
        self.enter = _conv2(channels[2], 64, 1)
        self.lateral8 = _conv2(channels[1], 64, 1)
        self.smooth8 = _conv2(64, 64)
        self.lateral4 = _conv2(channels[0], 64, 1)
        self.smooth4 = nn.Sequential(_conv2(64, 64), _conv2(64, 64))
        self.coarse = nn.Conv2d(64, _COARSE, 1)
        self.surface4 = nn.Conv2d(64, 2 + OUTPUTS, 1)
        self.stem = _conv2(3, 16, 5, 2)
        self.narrow = _conv2(64, 24, 1)
        self.smooth2 = nn.Sequential(_conv2(16 + 24, 24), _conv2(24, 24))
        self.fine = nn.Conv2d(24, _FINE, 1)
        self.surface2 = nn.Conv2d(24, 2 + OUTPUTS, 1)
        for head in (self.surface4, self.surface2):
            assert head.bias is not None
            nn.init.normal_(head.weight, std=0.01)
            with torch.no_grad():
                head.bias[0] = _LOG_DEPTH_PRIOR
                head.bias[1] = -1.5

    def forward(self, image: Tensor, features: Scales) -> Seen:
        """Return the maps of (N, 3, H, W) pictures in [-1, 1] and their features."""
        x = _double(self.enter(features.f16)) + self.lateral8(features.f8)
        x = _double(self.smooth8(x)) + self.lateral4(features.f4)
        x = self.smooth4(x)
        y = self.smooth2(torch.cat([self.stem(image), _double(self.narrow(x))], 1))
        return Seen(self.coarse(x), self.fine(y), self.surface4(x), self.surface2(y))


class Lift(nn.Module):
    """What each view tells a point of space, made one by a softmax over the views."""

    def __init__(self, channels: int, outputs: int, scored: bool) -> None:
        """Lift maps of ``channels`` to ``outputs``; ``scored`` also learns how much each view counts."""
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(channels + OUTPUTS + 4, outputs, 1), nn.ReLU(), nn.Conv2d(outputs, outputs + scored, 1)
        )
        self.scored = scored

    def forward(
        self, maps: Tensor, surface: Tensor, place: Tensor, weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return (B, outputs, p, q) features of points, and (B, V, 1, p, q) weights of the views.

        Args:
            maps: (B * V, C, h, w) features.
            surface: (B * V, 9, h, w), as in ``Seen``.
            place: (B, V, 3, p, q): u and v in [-1, 1] over the picture, and depth in metres.
            weights: Of the views; None where this network scores them itself.
        """
        views = place.shape[1]
        u, v, depth = place.flatten(0, 1).float().unbind(1)
        inside = ((u.abs() < 1) & (v.abs() < 1) & (depth > _NEAREST_M)).float().unsqueeze(1)
        found = F.grid_sample(
            torch.cat([maps, surface[:, :2], surface[:, 2:].softmax(1)], 1).float(),
            torch.stack([u, v], -1),
            align_corners=False,
        )
        features, log_depth, log_scale, labels = torch.split(found, [maps.shape[1], 1, 1, OUTPUTS], 1)
        log_place = depth.clamp_min(_NEAREST_M).log().unsqueeze(1)
        behind = (log_place - log_depth) * (-log_scale.clamp(*SCALES)).exp()
        x = torch.cat([features, labels, torch.tanh(behind), torch.exp(-behind.abs()), log_place, inside], 1)
        x = divided(self.mix(x), 0, (-1, views))
        if self.scored:
            seen = divided(inside, 0, (-1, views))
            weights = (x[:, :, -1:].float() - 30.0 * (1 - seen)).softmax(1) * seen
            x = x[:, :, :-1]
        assert weights is not None
        return (x * weights.to(x.dtype)).sum(1), weights


class Volume(nn.Module):
    """A 3D U-Net over the coarse cells, down to an eighth of their number along each axis."""

    def __init__(self, cin: int, widths: tuple[int, int, int, int]) -> None:
        """Map ``cin`` channels to ``widths[0]``."""
        super().__init__()
        self.enter = _conv3(cin, widths[0])
        self.down = nn.ModuleList(nn.Sequential(_conv3(a, b, 2, 2), _conv3(b, b)) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose3d(b, a, 2, 2) for a, b in pairwise(widths))
        self.join = nn.ModuleList(_conv3(a, a) for a in widths[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, widths[0], x, y, z) of (B, cin, x, y, z)."""
        levels: list[Tensor] = [self.enter(x)]
        for layer in self.down:
            levels.append(layer(levels[-1]))
        out: Tensor = levels.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            out = join(torch.relu(up(out)) + levels.pop())
        return out


class Lifting(nn.Module):
    """Occupancy and classes of a grid from pictures, their frozen features and their projections."""

    def __init__(self, channels: tuple[int, int, int], widths: tuple[int, int, int, int] = (32, 64, 96, 128)) -> None:
        """Make one.

        Args:
            channels: Of the features at 1/4, 1/8 and 1/16.
            widths: Channels of the volume at 1/2, 1/4, 1/8 and 1/16 of the grid's cells along each axis.
        """
        super().__init__()
        self.widths = widths
        self.pictures = Pictures(channels)
        self.lift = Lift(_COARSE, 32, scored=True)
        self.volume = Volume(32 + 2, widths)
        self.lift_fine = Lift(_FINE, 16, scored=False)
        self.split = nn.Conv2d(widths[0], 8 * 16, 1)
        self.decide = nn.Sequential(
            nn.Conv2d(32, 32, 1), nn.ReLU(), nn.Conv2d(32, 24, 1), nn.ReLU(), nn.Conv2d(24, OUTPUTS, 1)
        )
        last = self.decide[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        nn.init.constant_(last.bias, -3.0)

    def look(self, image: Tensor, features: Scales) -> Seen:
        """Return the maps of (B, V, 3, H, W) pictures, all views in a row."""
        return self.pictures(image.flatten(0, 1), features)  # type: ignore[no-any-return]

    def gather(self, seen: Seen, projection: Tensor, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return what all views say of the coarse cells.

        Args:
            seen: The maps.
            projection: (B, V, 3, 4): grid metres to (u * depth, v * depth, depth).
            x: (X,) middles of the cells along the grid's first axis, in metres from its corner.
            y: (Y,) likewise.
            z: (Z,) likewise, upwards.

        Returns:
            (B, C, X/2, Y/2, Z/2) features and (B, V, 1, X/2 * Y/2, Z/2) weights of the views.
        """
        x, y, z = (axis.view(-1, 2).mean(1) for axis in (x, y, z))
        place = project(projection, x[:, None, None], y[:, None], z).flatten(3, 4)
        lifted, weights = self.lift(seen.coarse, seen.surface4, place)
        known = weights.sum(1)
        height = (z - 1.0).expand_as(known)
        cells = divided(torch.cat([lifted, known, height], 1), 2, (x.shape[0], y.shape[0]))
        return self.volume(cells), weights

    def resolve(self, seen: Seen, place: Tensor, coarse: Tensor, weights: Tensor) -> Tensor:
        """Return logits (B, 7, p, q) of points: occupancy, then the classes.

        Args:
            seen: The maps.
            place: (B, V, 3, p, q), as ``project`` gives it.
            coarse: (B, 16, p, q): what the volume says of the points.
            weights: (B, V, 1, p, q) of the views.
        """
        lifted, _ = self.lift_fine(seen.fine, seen.surface2, place, weights)
        logits: Tensor = self.decide(torch.cat([coarse, lifted], 1).relu())
        return logits

    def forward(self, image: Tensor, features: Scales, projection: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """Return logits (B, 7, X, Y, Z) of every cell; arguments as in ``look`` and ``gather``."""
        seen = self.look(image, features)
        coarse, weights = self.gather(seen, projection, x, y, z)
        cx, cy, cz = x.shape[0] // 2, y.shape[0] // 2, z.shape[0] // 2
        eighths = self.split(coarse.flatten(2, 3)).view(-1, 2, 2, 2, 16, cx, cy, cz)
        eighths = eighths.permute(0, 4, 5, 1, 6, 2, 7, 3).reshape(-1, 16, 4 * cx * cy, 2 * cz)
        weights = F.interpolate(divided(weights.squeeze(2), 2, (cx, cy)), scale_factor=2.0, mode="nearest")
        weights = weights.flatten(2, 3).unsqueeze(2)
        place = project(projection, x[:, None, None], y[:, None], z).flatten(3, 4)
        return divided(self.resolve(seen, place, eighths, weights), 2, (2 * cx, 2 * cy))

    def at_cells(self, seen: Seen, projection: Tensor, x: Tensor, y: Tensor, z: Tensor, chosen: Tensor) -> Tensor:
        """Return logits (B, 7, M, 8) of the eight cells in each of some coarse ones, which learn alone.

        Args:
            seen: The maps.
            projection: As in ``gather``, and so the axes.
            x: (X,).
            y: (Y,).
            z: (Z,).
            chosen: (B, M) int64 flat indices of coarse cells.
        """
        coarse, weights = self.gather(seen, projection, x, y, z)
        cy, cz = y.shape[0] // 2, z.shape[0] // 2
        cells = coarse.flatten(2)
        picked = cells.gather(2, chosen[:, None].expand(-1, cells.shape[1], -1))
        views = weights.shape[1]
        share = weights.flatten(3).gather(3, chosen[:, None, None].expand(-1, views, 1, -1))
        eighths = self.split(picked.unsqueeze(3)).view(chosen.shape[0], 8, 16, -1).permute(0, 2, 3, 1)
        i, j, k = chosen // (cy * cz), chosen // cz % cy, chosen % cz
        a, b, c = (torch.tensor(part, device=chosen.device) for part in OCTANTS)
        places = [axis[2 * at[..., None] + step] for axis, at, step in ((x, i, a), (y, j, b), (z, k, c))]
        place = project_points(projection, torch.stack(places, 1))
        return self.resolve(seen, place, eighths, share.unsqueeze(4).expand(-1, -1, -1, -1, 8))


OCTANTS = ((0, 0, 0, 0, 1, 1, 1, 1), (0, 0, 1, 1, 0, 0, 1, 1), (0, 1, 0, 1, 0, 1, 0, 1))
"""Steps along the three axes to the eight cells of a coarse cell, in the order of ``Lifting.split``."""


def project(projection: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Return (B, V, 3, X, Y, Z): u, v and depth of the points of a lattice.

    Args:
        projection: (B, V, 3, 4): grid metres to (u * depth, v * depth, depth).
        x: (X, 1, 1) metres.
        y: (Y, 1) metres.
        z: (Z,) metres.
    """
    p = projection[..., None, None, None]
    return _divide(p[:, :, :, 0] * x + p[:, :, :, 1] * y + (p[:, :, :, 2] * z + p[:, :, :, 3]))


def project_points(projection: Tensor, points: Tensor) -> Tensor:
    """Return (B, V, 3, p, q): u, v and depth of (B, 3, p, q) points in grid metres."""
    turned = torch.einsum("bvij,bjpq->bvipq", projection[..., :3], points)
    return _divide(turned + projection[..., 3, None, None])


def _divide(homogeneous: Tensor) -> Tensor:
    depth = homogeneous[:, :, 2:]
    return torch.cat([homogeneous[:, :, :2] / depth.clamp_min(_NEAREST_M), depth], 2)


def divided(x: Tensor, axis: int, sides: tuple[int, int]) -> Tensor:
    """Return ``x`` with one axis made two (``Tensor.unflatten``, which has no types)."""
    made: Tensor = x.unflatten(axis, sides)  # type: ignore[no-untyped-call]
    return made
