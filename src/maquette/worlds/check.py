"""Whether worlds and their records hold what they promise, by other means than those that made them.

Worlds: nothing intersects, by the volume of boolean intersections (manifold3d, extra ``worlds``) where the placement
compares triangles; nothing floats, by rays from the lowest points. Records: every truth against another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maquette.labels import BY_NAME, VOID
from maquette.shapes.union import manifold
from maquette.shapes.voxelize import cells_of
from maquette.worlds.assets import families
from maquette.worlds.record import CLASSES, FrustumVolume, SceneRecord
from maquette.worlds.types import Floats, Object, View, World

OVERLAP_M3 = 1e-6
"""Volume that two things may share: a cubic centimetre, for what stands flush on something."""
GAP_M = 0.005
"""How far above its support the lowest point of what stands may be, and what hangs from its wall or ceiling."""
SINK_M = 0.03
"""How deep a thing may sink into uneven ground outdoors, rather than float above some of it."""
_LEVEL_M = 0.005
_MOST_RAYS = 24


@dataclass(frozen=True)
class Report:
    """What was checked.

    Attributes:
        tested: How many things, views or pixels each check has looked at.
        failures: A line for each that failed: the check, the world, and where.
    """

    tested: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[str, ...] = ()

    def __add__(self, other: Report) -> Report:
        """Both together."""
        tested = {
            name: self.tested.get(name, 0) + other.tested.get(name, 0) for name in {**self.tested, **other.tested}
        }
        return Report(tested, self.failures + other.failures)

    def failed(self, check: str) -> int:
        """How many failures one check has."""
        return sum(line.startswith(f"{check}: ") for line in self.failures)


Found = Iterator[tuple[str, str | None]]
"""Names of checks with what is wrong, or None where it is right."""


def _report(name: str, found: Iterable[tuple[str, str | None]]) -> Report:
    tested: dict[str, int] = {}
    failures = []
    for check, wrong in found:
        tested[check] = tested.get(check, 0) + 1
        if wrong is not None:
            failures.append(f"{check}: {name}: {wrong}")
    return Report(tested, tuple(failures))


def check_world(world: World) -> Report:
    """Check that no two things intersect and that nothing floats.

    ``solid`` counts objects: each of their closed parts must bound a volume. ``apart`` counts pairs of objects whose
    boxes meet, at least one of them a thing: closed parts may share ``OVERLAP_M3`` at most; of open parts, no vertex
    may be inside a closed part of the other; outdoors, things may sink into the ground by ``SINK_M``. ``stands`` counts
    objects that belong on the ground, on something, on a wall or under a ceiling.
    """
    bodies = [_Body(thing) for thing in world.objects]
    sink_m = SINK_M if world.room is None else 0.0
    return _report(world.name, [*_solid(bodies), *_apart(bodies, sink_m), *_stands(bodies)])


@dataclass(frozen=True)
class _Body:
    """An object in the world, as the checks see it."""

    thing: Object

    @cached_property
    def pieces(self) -> list[tuple[Floats, bool]]:
        """(m, 3, 3) triangles of each part, and whether it is closed."""
        pose = self.thing.T_world_object
        return [
            ((part.vertices.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3])[part.faces], part.closed)
            for part in self.thing.asset.parts
        ]

    @cached_property
    def triangles(self) -> Floats:
        return np.concatenate([triangles for triangles, _ in self.pieces])

    @cached_property
    def bounds(self) -> Floats:
        points = self.triangles.reshape(-1, 3)
        return np.stack([points.min(axis=0), points.max(axis=0)])

    @cached_property
    def solids(self) -> list[Any]:
        """A manifold of each closed part."""
        return [manifold(triangles) for triangles, closed in self.pieces if closed]

    @property
    def isthing(self) -> bool:
        return BY_NAME[self.thing.label].isthing

    @property
    def isground(self) -> bool:
        return BY_NAME[self.thing.label].role == "ground"

    def __str__(self) -> str:
        return f"{self.thing.asset.family} {self.thing.id} ({self.thing.asset.style})"


def _solid(bodies: list[_Body]) -> Found:
    for body in bodies:
        bad = sum(solid.volume() <= 0 for solid in body.solids)
        yield "solid", f"{bad} closed parts of {body} bound no volume" if bad else None


def _apart(bodies: list[_Body], sink_m: float) -> Found:
    for at, a in enumerate(bodies):
        for b in bodies[at + 1 :]:
            if (a.isthing or b.isthing) and (a.bounds[0] < b.bounds[1]).all() and (b.bounds[0] < a.bounds[1]).all():
                shared = _shared_m3(a, b)
                loose = sum(_inside(x, y) for x, y in ((a, b), (b, a)))
                wrong = f"{a} and {b} share {shared * 1e6:.1f} cm3, {loose} loose points"
                if shared <= OVERLAP_M3 and not loose:
                    yield "apart", None
                elif sink_m and (a.isground or b.isground):
                    sunk_m = _sunk_m(b, a) if a.isground else _sunk_m(a, b)
                    yield "apart", f"{wrong}, {sunk_m * 100:.1f} cm deep" if sunk_m > sink_m else None
                else:
                    yield "apart", wrong


def _sunk_m(body: _Body, ground: _Body) -> float:
    """How far the deepest vertex of a body is under the ground."""
    points = np.unique(body.triangles.reshape(-1, 3), axis=0)
    points = points[points[:, 1] < body.bounds[0, 1] + 0.3]
    above = _cast(points, np.array([0.0, 1.0, 0.0]), [ground])
    return float(above[np.isfinite(above)].max(initial=0.0))


def _shared_m3(a: _Body, b: _Body) -> float:
    """Volume that the closed parts of two bodies share; twice where parts of one body overlap."""
    total = 0.0
    for one in a.solids:
        low, high = np.array(one.bounding_box()).reshape(2, 3)
        for other in b.solids:
            least, most = np.array(other.bounding_box()).reshape(2, 3)
            if (low < most).all() and (least < high).all():
                total += (one ^ other).volume()
    return total


def _inside(a: _Body, b: _Body) -> int:
    """How many vertices of open parts of one body are inside closed parts of another, at more than a millimetre."""
    loose = [triangles.reshape(-1, 3) for triangles, closed in a.pieces if not closed]
    if not loose:
        return 0
    import igl

    points = np.unique(np.concatenate(loose), axis=0)
    points = points[((points > b.bounds[0]) & (points < b.bounds[1])).all(axis=1)]
    found = 0
    for triangles, closed in b.pieces:
        if closed and len(points):
            corners = np.ascontiguousarray(triangles.reshape(-1, 3))
            faces = np.arange(len(corners)).reshape(-1, 3)
            within = igl.winding_number(corners, faces, points) > 0.5
            apart = igl.point_mesh_squared_distance(points[within], corners, faces)[0] if within.any() else np.zeros(0)
            found += int((apart > 1e-6).sum())
    return found


def _stands(bodies: list[_Body]) -> Found:
    for body in bodies:
        family = families().get(body.thing.asset.family)
        if family is None or family.stands == "fixed":
            continue
        others = [other for other in bodies if other is not body]
        if family.stands in ("wall", "ceiling"):
            gap = _hanging_gap(body, others, family.stands)
        else:
            gap = _standing_gap(body, others)
        yield "stands", None if gap <= GAP_M else f"{body} is {gap * 1000:.0f} mm from what carries it"


def _standing_gap(body: _Body, others: list[_Body]) -> float:
    """Least height of a lowest point of a body above what is under it; below 0 where it has sunk in."""
    points = body.triangles.reshape(-1, 3)
    points = np.unique(points[points[:, 1] < body.bounds[0, 1] + _LEVEL_M], axis=0)
    points = points[np.linspace(0, len(points) - 1, min(len(points), _MOST_RAYS)).astype(int)]
    rise = min(0.3, float(np.ptp(body.bounds[:, 1])) / 2)
    below = np.array([0.0, -1.0, 0.0])
    return float((_cast(points - rise * below, below, others) - rise).min())


def _hanging_gap(body: _Body, others: list[_Body], stands: str) -> float:
    """How far the back of a body is from the wall behind it, or its top from the ceiling.

    Doors and windows reach behind the face of the wall, into an opening that holds them by its sides: 0.
    """
    if stands == "wall" and body.thing.asset.bounds[0, 2] < -_LEVEL_M:
        return 0.0
    pose = body.thing.T_world_object
    into = pose[:3, :3] @ ((0.0, 0.0, -1.0) if stands == "wall" else (0.0, 1.0, 0.0))
    points = body.triangles.reshape(-1, 3)
    reach = points @ into
    points = np.unique(points[reach > reach.max() - _LEVEL_M], axis=0)
    points = points[np.linspace(0, len(points) - 1, min(len(points), _MOST_RAYS)).astype(int)]
    return float((_cast(points - 0.05 * into, into, others) - 0.05).min())


def _cast(origins: Floats, direction: Floats, bodies: list[_Body]) -> Floats:
    """(n,) distances along a unit direction to the first surface, inf where there is none (Möller, Trumbore 1997)."""
    nearest = np.full(len(origins), np.inf)
    for body in bodies:
        beside = np.abs(direction) < 1e-9
        low, high = origins.min(axis=0), origins.max(axis=0)
        if ((body.bounds[1] < low) | (body.bounds[0] > high))[beside].any():
            continue
        spans = body.triangles.min(axis=1), body.triangles.max(axis=1)
        near = ~((spans[0] > high) | (spans[1] < low))[:, beside].any(axis=1)
        a, b, c = body.triangles[near].transpose(1, 0, 2)
        cross = np.cross(direction, c - a)
        scale = (cross * (b - a)).sum(axis=-1)
        offset = origins[:, None] - a
        tangent = np.cross(offset, b - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (offset * cross).sum(axis=-1) / scale
            v = (tangent @ direction) / scale
            t = (tangent * (c - a)).sum(axis=-1) / scale
            hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t >= 0)
        nearest = np.minimum(nearest, np.where(hit, t, np.inf).min(axis=1, initial=np.inf))
    return nearest


def check_record(world: World, record: SceneRecord) -> Report:
    """Check every truth of a record against another, and against the world's surfaces."""
    found: list[tuple[str, str | None]] = [*_boxes(world, record), *_visibility(record)]
    for at, view in enumerate(record.views):
        found += [(check, wrong and f"view {at}: {wrong}") for check, wrong in _masks(record, view)]
        found += [(check, wrong and f"view {at}: {wrong}") for check, wrong in _geometry(record, view)]
    for at, view in enumerate(record.views):
        for other, beside in enumerate(record.views):
            if at != other:
                found.append(("views agree", _contradiction(view, beside, f"views {at} and {other}")))
    if record.occupancy is not None and record.classes is not None:
        stray = int((record.classes.any(axis=-1) & ~record.occupancy).sum())
        found.append(("classes are occupied", f"{stray} cells of classes are empty" if stray else None))
    found += [("volume fits depth", _volume_apart(record, volume)) for volume in record.volumes]
    return _report(record.name, found)


def _boxes(world: World, record: SceneRecord) -> Found:
    """Oriented boxes hold their objects tightly, and poses place the canonical mesh."""
    for thing, stored in zip(world.objects, record.objects, strict=True):
        vertices, _ = thing.mesh_world()
        pose = stored.box.T_world_box
        local = (vertices - pose[:3, 3]) @ pose[:3, :3]
        slack = np.abs(np.stack([local.min(axis=0), local.max(axis=0)]) - np.outer([-0.5, 0.5], stored.box.size)).max()
        name = f"{stored.family} {stored.id}"
        yield "boxes fit", f"the box of {name} is off by {slack * 1000:.2f} mm" if slack > 1e-4 else None
        canonical = np.concatenate([part.vertices for part in thing.asset.parts]).astype(np.float64)
        low, high = canonical.min(axis=0), canonical.max(axis=0)
        canonical = (canonical - (low + high) / 2) / np.maximum(high - low, 1e-3)
        placed = canonical @ stored.T_world_canonical[:3, :3].T + stored.T_world_canonical[:3, 3]
        apart = float(np.abs(placed - vertices).max())
        yield "poses place the mesh", f"{name} is off by {apart * 1000:.2f} mm" if apart > 1e-4 else None


def _visibility(record: SceneRecord) -> Found:
    """Boxes and counts in pictures are those of the masks; what is seen is part of the whole."""
    for at, stored in enumerate(record.objects):
        for index, (view, seen) in enumerate(zip(record.views, stored.visibility, strict=bool(stored.visibility))):
            if view.amodal is None:
                continue
            mask, whole = view.instance == stored.id, view.amodal[at]
            name = f"view {index}: {stored.family} {stored.id}"
            stray = int((mask & ~whole).sum())
            yield "seen is part of the whole", f"{name}: {stray} pixels are not" if stray else None
            right = (seen.box, seen.visible_px) == _extent(mask) and (seen.amodal_box, seen.amodal_px) == _extent(whole)
            yield "2D boxes are tight", None if right else f"{name}: {seen}"


def _extent(mask: NDArray[np.bool_]) -> tuple[tuple[int, int, int, int] | None, int]:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None, 0
    return (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1), len(rows)


def _masks(record: SceneRecord, view: View) -> Found:
    """Ids name objects, labels are theirs, and depth and normals are there where an object is."""
    labels = {0: BY_NAME["sky"].id, **{stored.id: BY_NAME[stored.label].id for stored in record.objects}}
    table = np.full(int(view.instance.max()) + 1, VOID)
    for key, label in labels.items():
        if key < len(table):
            table[key] = label
    wrong = int((table[view.instance] != view.semantic).sum())
    yield "labels are the objects'", f"{wrong} pixels differ" if wrong else None
    some = view.instance > 0
    wrong = int(((view.depth_m > 0) != some).sum())
    yield "depth is where objects are", f"{wrong} pixels differ" if wrong else None
    length = np.linalg.norm(view.normals_cam.astype(np.float64), axis=-1)
    wrong = int((np.abs(length - some) > 0.02).sum())
    yield "normals have length 1", f"{wrong} pixels do not" if wrong else None


def _geometry(record: SceneRecord, view: View) -> Found:
    """Depth lies on the objects, in occupied cells, and its slope is that of the normals."""
    points_cam = _points(view)
    points = view.camera.to_world(points_cam)
    for stored in record.objects:
        mask = view.instance == stored.id
        if not mask.any():
            continue
        pose = stored.box.T_world_box
        beyond = np.abs((points[mask] - pose[:3, 3]) @ pose[:3, :3]) - np.array(stored.box.size) / 2
        off = float(beyond.max())
        wrong = f"{stored.family} {stored.id} is seen {off * 1000:.1f} mm out of its box" if off > 0.005 else None
        yield "depth is in the boxes", wrong
    if record.grid is not None and record.occupancy is not None and record.classes is not None:
        rays = points - view.camera.T_world_camera[:3, 3]
        rays /= np.maximum(np.linalg.norm(rays, axis=-1, keepdims=True), 1e-12)
        family = {stored.id: stored.family for stored in record.objects if stored.isthing}
        for name in sorted(set(family.values())):
            ids = [key for key, value in family.items() if value == name]
            mask = np.isin(view.instance, ids)
            held = record.occupancy if name not in CLASSES else record.classes[..., CLASSES.index(name)]
            found, asked = np.zeros(mask.sum(), dtype=bool), np.zeros(mask.sum(), dtype=bool)
            for step in (-0.002, 0.0, 0.002):  # on the border of two cells, either may have it
                cells, within = cells_of(points[mask] + step * rays[mask], record.grid)
                asked |= within
                found[within] |= held[tuple(cells[within].T)]
            missed = int((asked & ~found).sum())
            wrong = (
                f"{missed} of {asked.sum()} pixels of {name} lie in empty cells" if missed > asked.sum() / 500 else None
            )
            yield "depth is in occupied cells", wrong
    flat = _flat(view)
    if flat.sum() >= 50:
        slope = np.cross(points_cam[2:, 1:-1] - points_cam[:-2, 1:-1], points_cam[1:-1, 2:] - points_cam[1:-1, :-2])
        slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12)
        cosine = np.abs((slope * view.normals_cam[1:-1, 1:-1]).sum(axis=-1))[flat]
        bad = float((cosine < np.cos(np.radians(3))).mean())
        yield "normals are the slope of depth", f"{bad:.1%} of flat pixels differ" if bad > 0.01 else None


def _points(view: View) -> Floats:
    height, width = view.depth_m.shape
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + 0.5
    return view.camera.unproject(pixels, view.depth_m)


def _flat(view: View) -> NDArray[np.bool_]:
    """Inner pixels whose four neighbours have the same object and normal, and lie on their plane."""
    ids, normals = view.instance, view.normals_cam
    flat = ids[1:-1, 1:-1] > 0
    middle = normals[1:-1, 1:-1]
    for rows, columns in ((slice(2, None), slice(1, -1)), (slice(None, -2), slice(1, -1))):
        for first, second in ((rows, columns), (columns, rows)):
            flat &= ids[first, second] == ids[1:-1, 1:-1]
            flat &= (normals[first, second] * middle).sum(axis=-1) > 0.9999
    # Two parallel faces, as a seat before a back, share a normal: over a step, inverse depth is not even.
    with np.errstate(divide="ignore"):
        inverse = np.where(view.depth_m > 0, 1 / view.depth_m.astype(np.float64), 0)
    for axis in (0, 1):
        bend = np.abs(np.diff(inverse, 2, axis=axis))
        bend = bend[:, 1:-1] if axis == 0 else bend[1:-1]
        flat &= bend < 1e-4 * inverse[1:-1, 1:-1]
    return flat


def _contradiction(view: View, other: View, names: str) -> str | None:
    """Whether something that one view sees would have to hide what the other sees behind it."""
    points = other.camera.from_world(view.camera.to_world(_points(view)[view.depth_m > 0]))
    points = points[points[:, 2] > 0.05]
    pixels = np.floor(other.camera.project(points)).astype(np.int64)
    height, width = other.depth_m.shape
    inside = ((pixels >= 1) & (pixels < (width - 1, height - 1))).all(axis=1)
    (x, y), z = pixels[inside].T, points[inside, 2]
    if not len(z):
        return None
    depth = np.where(other.depth_m > 0, other.depth_m, np.inf)
    around = np.min([depth[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    past = float((around > z * 1.02 + 0.03).mean())
    return f"{names}: {past:.2%} of what the first sees, the second sees through" if past > 0.005 else None


def _volume_apart(record: SceneRecord, volume: FrustumVolume) -> str | None:
    """Whether a pixel's point lies farther than a cell from the surface that the volume has there."""
    view = record.views[volume.view]
    cells, within = cells_of(view.camera.to_world(_points(view)[view.depth_m > 0]), volume.grid)
    at = tuple(cells[within].T)
    distance = volume.distance[at][volume.frustum[at]]
    far = int((distance >= 1).sum())
    return f"view {volume.view}: {far} pixels are more than a cell from a surface" if far else None
