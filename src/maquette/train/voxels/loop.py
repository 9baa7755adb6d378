"""The training loop of the voxel networks: in stages, seeded, and resumable bit by bit on a CPU from what it wrote."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.errors import MaquetteError
from maquette.export.atomic import shown, whole
from maquette.metrics.voxels import curve, joined, mean_over_classes
from maquette.train.nets.everted import Everted
from maquette.train.nets.extractor import Scales
from maquette.train.nets.lifting import Lifting
from maquette.train.voxels import losses
from maquette.train.voxels.data import VIEWS, Rooms, unpack
from maquette.train.voxels.options import TrainOptions
from maquette.voxels.rig import CELL_M, CELLS

log = logging.getLogger(__name__)

THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Thresholds of the intersection over union in the log; that of a finished network is chosen by ``evaluate``."""
NEAR, FAR = 8192, 4096
"""Groups of eight cells from which the lifting network learns its finest level: near what is taken, and elsewhere."""


class Batch(NamedTuple):
    """Rooms to learn from; b rooms, v views.

    Attributes:
        features: Scales of (b, v, C, h, w) float32.
        image: (b, v, 3, 224, 224) float32 in [-1, 1].
        projection: (b, v, 3, 4) float32.
        view: (b, v) int64, which camera.
        depth: (b, v, 112, 112) float32 metres.
        label: (b, v, 112, 112) int64.
        cells: (b, 80, 96, 64) uint8, as in ``Rooms``.
        chosen: (b, M) int64 groups of eight cells to learn from.
        share: (b, M) float32, how many groups each stands for, over the mean.
    """

    features: Scales
    image: Tensor
    projection: Tensor
    view: Tensor
    depth: Tensor
    label: Tensor
    cells: Tensor
    chosen: Tensor
    share: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the same on a device."""
        features = Scales(*(scale.to(device) for scale in self.features))
        return Batch(features, *(part.to(device) for part in self[1:]))


def make_batch(rooms: Rooms, which: NDArray[np.int64], views: NDArray[np.int64], rng: np.random.Generator) -> Batch:
    """Gather rooms.

    Args:
        rooms: All.
        which: (b,) of them.
        views: (b, v) views of each.
        rng: Chooses cells.
    """

    def take(array: NDArray[Any], kind: type[np.generic]) -> Tensor:
        return torch.from_numpy(np.stack([array[at][seen] for at, seen in zip(which, views, strict=True)]).astype(kind))

    cells = torch.from_numpy(rooms.cells[which])
    chosen, share = choose(cells, rng)
    return Batch(
        Scales(*(take(array, np.float32) for array in (rooms.f4, rooms.f8, rooms.f16))),
        take(rooms.image, np.float32) / 127.5 - 1,
        take(rooms.projection, np.float32),
        torch.from_numpy(views.astype(np.int64)),
        take(rooms.depth, np.float32),
        take(rooms.label, np.int64),
        cells,
        chosen,
        share,
    )


def choose(cells: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw groups of eight cells so that every one can be drawn, those near what is taken more often.

    Returns:
        (b, M) int64 flat indices, and (b, M) float32: how many groups each stands for, over the mean; sums of cells
        with this share are without bias.
    """
    coarse = F.max_pool3d((cells > 0).unsqueeze(1).float(), 2)
    near = F.max_pool3d(coarse, 3, 1, 1).flatten(1).bool().numpy()
    chosen, share = [], []
    for row in near:
        counts = (NEAR, FAR) if row.any() and not row.all() else (NEAR + FAR,) * 2
        groups = [(np.flatnonzero(part), count) for part, count in zip((row, ~row), counts, strict=True) if part.any()]
        chosen.append(np.concatenate([found[rng.integers(len(found), size=count)] for found, count in groups]))
        shares = np.repeat([len(found) / count for found, count in groups], [count for _, count in groups])
        share.append(shares * (NEAR + FAR) / row.size)
    return torch.from_numpy(np.stack(chosen)), torch.from_numpy(np.stack(share).astype(np.float32))


def eighths(cells: Tensor) -> Tensor:
    """Return (B, groups, 8) of (B, X, Y, Z): cells by groups of eight, in the order of ``lifting.OCTANTS``."""
    batch, x, y, z = cells.shape
    parts = cells.view(batch, x // 2, 2, y // 2, 2, z // 2, 2)
    return parts.permute(0, 1, 3, 5, 2, 4, 6).reshape(batch, -1, 8)


def axes(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """The middles of the studio's cells along each axis of the grid, in metres."""
    x, y, z = ((torch.arange(count, device=device) + 0.5) * CELL_M for count in CELLS)
    return x, y, z


def make_network(options: TrainOptions, channels: tuple[int, int, int]) -> Everted | Lifting:
    """Draw the weights of a network for features of some ``channels``."""
    torch.manual_seed(options.seed)
    widths: dict[str, Any] = {"widths": options.widths} if options.widths else {}
    if options.network == "lifting":
        return Lifting(channels, **widths)
    return Everted(
        channels[2],
        fusion=(options.fusion_width, options.fusion_depth),
        dropout=(options.dropout, options.dropout_segment),
        cameras=options.cameras,
        **widths,
    )


class Trainer:
    """Network, optimiser, stage and epoch, and how they go on.

    Attributes:
        history: One record an epoch: stage, losses, intersection over union, seconds.
        rooms_seen: Rooms learned from, by stage.
        seconds: That learning has taken: of one core's time, or by the clock on a GPU.
    """

    def __init__(self, rooms: Rooms, validation: Rooms, options: TrainOptions) -> None:
        """Start at the first stage.

        Args:
            rooms: To learn from.
            validation: To choose on.
            options: How.

        Raises:
            MaquetteError: There are too few rooms, or options that mean nothing.
        """
        options.check()
        self.rooms, self.validation, self.options = rooms, validation, options
        self.stages = options.stages()
        if min(len(rooms), options.epoch_rooms or len(rooms)) < max(stage.batch for stage in self.stages):
            raise MaquetteError(f"{rooms.source}: {len(rooms)} rooms make no batch; make more, or lower --batch")
        channels = (rooms.f4.shape[2], rooms.f8.shape[2], rooms.f16.shape[2])
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = make_network(options, channels).to(self.device)
        for module in self.net.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                module.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        self.stage, self.epoch = 0, 0
        self.rooms_seen = [0] * len(self.stages)
        self.seconds = 0.0
        self.history: list[dict[str, Any]] = []
        self.plan = {**asdict(options), "data": rooms.source, "rooms": len(rooms), "extractor": rooms.extractor}
        self._begin()

    @property
    def finished(self) -> bool:
        """Whether all stages are done."""
        return self.stage == len(self.stages)

    @property
    def rate(self) -> float:
        """Learning rate of the epoch."""
        return self.options.rate * float(0.5 ** (self.epoch // self.options.step))

    def _begin(self) -> None:
        """Start a stage with a new optimiser over what learns in it."""
        self.epoch, self.best, self.since = 0, float("inf"), 0
        self.best_weights = {name: value.clone() for name, value in self.net.state_dict().items()}
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)
        for module in self._learning():
            module.requires_grad_(True)
        self.optimiser = torch.optim.Adam([p for p in self.net.parameters() if p.requires_grad], lr=self.options.rate)

    def _learning(self) -> list[nn.Module]:
        net, part = self.net, self.stages[self.stage].part
        if isinstance(net, Lifting):
            return [net.pictures if part == "pictures" else net]
        if part == "segment":
            return [net.segment, net.fuse_classes]
        return [net.squeeze, net.reconstruct, net.fuse_occupancy, *([net.camera] if net.camera is not None else [])]

    def batches(self) -> Iterator[Batch]:
        """The batches of the epoch, a function of the seed, the stage and the epoch alone."""
        options, stage = self.options, self.stages[self.stage]
        order = np.random.default_rng([options.seed, self.stage]).permutation(len(self.rooms))
        size = min(options.epoch_rooms or len(self.rooms), len(self.rooms))
        start = self.epoch * size
        order = np.concatenate([order, order])[start % len(order) :][:size]
        rng = np.random.default_rng([options.seed, self.stage, self.epoch])
        order = rng.permutation(order)
        parts = [order[at : at + stage.batch] for at in range(0, size - stage.batch + 1, stage.batch)]

        def gather(which: NDArray[np.int64]) -> Batch:
            count = int(rng.choice(stage.views))
            views = np.stack([np.sort(rng.permutation(VIEWS)[:count]) for _ in which])
            return make_batch(self.rooms, which, views, rng)

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(gather, parts[0])
            for part in parts[1:]:
                batch = coming.result()
                coming = ahead.submit(gather, part)
                yield batch
            yield coming.result()

    def loss(self, batch: Batch) -> Tensor:
        """Return what is to be made small."""
        options, net, part = self.options, self.net, self.stages[self.stage].part
        if isinstance(net, Everted):
            truth, segment = unpack(batch.cells), part == "segment"
            with self._autocast():
                made = net(batch.features.f16, batch.view, occupancy=not segment, classes=segment)
            if segment:
                return losses.cross_entropy(made.classes, truth[:, 1:], options.weight)
            return losses.cross_entropy(made.occupancy, truth[:, :1], options.weight)
        with self._autocast():
            seen = net.look(batch.image, Scales(*(scale.flatten(0, 1) for scale in batch.features)))
        total = batch.image.new_zeros(())
        if options.auxiliary:
            total = options.auxiliary * losses.pictures(seen, batch.depth.flatten(0, 1), batch.label.flatten(0, 1))
        if part == "both":
            with self._autocast():
                logits = net.at_cells(seen, batch.projection, *axes(self.device), batch.chosen)
            groups = eighths(batch.cells).gather(1, batch.chosen.unsqueeze(2).expand(-1, -1, 8))
            total = total + losses.cells(logits.float(), unpack(groups), batch.share, options.weight, options.dice)
        return total

    def _clock(self) -> float:
        return time.thread_time() if self.device.type == "cpu" else time.monotonic()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.precision == "bf16")

    def learn(self) -> float:
        """Take an epoch and return its mean loss.

        Raises:
            MaquetteError: The loss is not finite.
        """
        stage = self.stages[self.stage]
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        total, count = 0.0, 0
        for number, batch in enumerate(self.batches()):
            start = self._clock()
            seeds = np.random.SeedSequence([self.options.seed, self.stage, self.epoch, number])
            torch.manual_seed(int(seeds.generate_state(1)[0]))
            self.net.eval()
            for module in self._learning():
                module.train()
            self.optimiser.zero_grad()
            loss = self.loss(batch.to(self.device))
            if not torch.isfinite(loss):
                raise MaquetteError(f"the loss is {loss.item()} in epoch {self.epoch}; start anew, --rate lower")
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimiser.step()
            total, count = total + float(loss.detach()), count + 1
            self.rooms_seen[self.stage] += len(batch.view)
            self.seconds += self._clock() - start
            if number % 25 == 24:
                log.info("%s, epoch %d, step %d: loss %.4f", stage.name, self.epoch, number + 1, total / count)
        return total / count

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Return the loss of the validation rooms with the stage's most views, and IoUs of their cells.

        The loss is the cross entropy over all cells of what learns, or that in the pictures where they learn.
        """
        stage = self.stages[self.stage]
        self.net.eval()
        count = min(self.options.validation_rooms or len(self.validation), len(self.validation))
        views = max(stage.views)
        total, counts = 0.0, []
        for number in range(count):
            seen = np.sort((np.arange(views) + number) % VIEWS)
            batch = make_batch(self.validation, np.array([number]), seen[None], np.random.default_rng(0))
            batch = batch.to(self.device)
            if stage.part == "pictures":
                total += float(self.loss(batch)) / count
                continue
            with self._autocast():
                made = probabilities(self.net, batch, classes=stage.part != "reconstruct")
            truth = unpack(batch.cells)[:, : made.shape[1]]
            of = slice(1 if stage.part == "segment" else 0, None)
            total += float(losses.cross_entropy(made[:, of], truth[:, of], 1.0)) / count
            counts.append(curve(truth[0].cpu().numpy(), made[0].cpu().numpy(), THRESHOLDS))
        found = {"loss": total}
        if counts:
            iou = joined(counts).pooled
            found["iou"] = float(iou[:, 0].max())
            if iou.shape[1] > 1:
                found["miou"] = float(mean_over_classes(iou[:, 1:]).max())
        return found

    def run(self, folder: Path, until: int | None = None) -> None:
        """Train to the end, or for ``until`` epochs over all stages, writing ``checkpoint.pt`` after each."""
        while not self.finished and (until is None or len(self.history) < until):
            start = time.monotonic()
            stage = self.stages[self.stage]
            loss = self.learn()
            found = self.validate()
            record = {"stage": stage.name, "epoch": self.epoch, "learned": loss, **found}
            self.history.append(record | {"seconds": round(time.monotonic() - start, 1)})
            log.info("%s", self.history[-1])
            self.epoch += 1
            if found["loss"] < self.best:
                self.best, self.since = found["loss"], 0
                self.best_weights = {name: value.clone() for name, value in self.net.state_dict().items()}
            else:
                self.since += 1
            if self.epoch >= stage.epochs or self.since >= self.options.patience:
                self.net.load_state_dict(self.best_weights)
                self.stage += 1
                if not self.finished:
                    self._begin()
            self.save(folder / "checkpoint.pt")

    def save(self, path: Path) -> None:
        """Write everything that the next epoch depends on."""
        state = {
            "net": self.net.state_dict(),
            "best_weights": self.best_weights,
            "optimiser": self.optimiser.state_dict(),
            "progress": [self.stage, self.epoch, self.best, self.since],
            "rooms_seen": self.rooms_seen,
            "seconds": self.seconds,
            "history": self.history,
            "plan": self.plan,
        }
        with whole(path) as fresh:
            torch.save(state, fresh)

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote.

        Raises:
            MaquetteError: It belongs to a training with other options or other rooms.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        other = [name for name, value in self.plan.items() if state["plan"].get(name) != value]
        if other:
            raise MaquetteError(
                f"{shown(path)}: was begun with other values of {', '.join(other)}; give the same or another folder"
            )
        self.stage = min(state["progress"][0], len(self.stages) - 1)
        self._begin()
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.stage, self.epoch, self.best, self.since = state["progress"]
        self.best_weights = state["best_weights"]
        self.rooms_seen, self.seconds, self.history = state["rooms_seen"], state["seconds"], state["history"]


def probabilities(net: Everted | Lifting, batch: Batch, classes: bool = True) -> Tensor:
    """Return (b, 7, X, Y, Z) float32 probabilities of all cells, or (b, 1, X, Y, Z) without classes of ``Everted``."""
    if isinstance(net, Lifting):
        features = Scales(*(part.flatten(0, 1) for part in batch.features))
        logits: Tensor = net(batch.image, features, batch.projection, *axes(batch.image.device))
        return logits.float().sigmoid()
    made = net(batch.features.f16, batch.view, classes=classes)
    return made.occupancy if made.classes is None else torch.cat([made.occupancy, made.classes], 1)
