"""The training loop: seeded, and resumable bit by bit on a CPU from what it wrote."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from maquette.train.augment import Batch, Cutout, make
from maquette.train.data import Sample
from maquette.train.losses import Weights, total
from maquette.train.nets.deeplab import DeepLab
from maquette.train.nets.perception import MaquetteSmall

log = logging.getLogger(__name__)

SHAPES = (
    (4, (320, 416)),
    (4, (416, 320)),
    (4, (352, 352)),
    (2, (448, 576)),
    (6, (256, 320)),
    (2, (448, 576)),
)
"""Pictures in a batch and their (H, W): about the same work each."""


TRUNKS = ("ade", "voc")


@dataclass(frozen=True)
class Round:
    """A stretch of training over which the learning rates rise once and fall.

    Attributes:
        start: Its first step; it ends where the next one starts.
        rate: Peak learning rate of the new parts.
        refine_rate: Peak learning rate of the correction to the merged semantics, which starts at zero.
        whole: Whether a depth camera's pictures are seen whole, as at inference, rather than in crops of any zoom.
        mix: Share of each group of samples.
    """

    start: int
    rate: float
    refine_rate: float
    whole: bool
    mix: dict[str, float]


ROUNDS = (
    Round(0, 1e-3, 1.5e-4, False, {"photo": 0.55, "osd": 0.25, "aims": 0.2}),
    Round(900, 6e-4, 9e-5, True, {"photo": 0.4, "osd": 0.35, "aims": 0.25}),
    Round(1300, 1e-3, 1e-3, True, {"photo": 0.38, "osd": 0.18, "aims": 0.06, "room": 0.2, "street": 0.1, "land": 0.08}),
    Round(2900, 7e-4, 7e-4, True, {"photo": 0.3, "osd": 0.2, "aims": 0.06, "room": 0.26, "street": 0.1, "land": 0.08}),
)
"""Heads for photos and tables, then more of the depth cameras, then twice all of it with rendered worlds."""
WORLDS = 2
"""The first round with worlds."""


@dataclass(frozen=True)
class Options:
    """How to train.

    Attributes:
        steps: Batches to learn from.
        rounds: What to learn from, and how fast.
        frozen_steps: The first steps, in which both trunks stay as they are.
        trunk_until: The step from which they stay as they are again, after most of the way back.
        trunk_share: How much of what the trunks learned they keep then. Their weights are interpolated between the
            teacher's and the tuned ones, which keeps what few photos would make them forget (Wortsman et al., "Robust
            fine-tuning of zero-shot models", CVPR 2022).
        refine_after: The first of them, in which the merged semantics are not corrected.
        seed: Of everything random.
        trunk_rate: Peak learning rate of the trunks' upper stages; the lower ones are never trained.
        decay: Weight decay.
        average: Decay a step of the averaged weights, which are what is exported.
        paste: Chance that things are pasted into a picture.
        save_every: Steps between checkpoints.
        weights: Of the losses.
    """

    steps: int = 4000
    rounds: tuple[Round, ...] = ROUNDS
    frozen_steps: int = 450
    trunk_until: int = 600
    trunk_share: float = 0.3
    refine_after: int = 100
    seed: int = 0
    trunk_rate: float = 4e-5
    decay: float = 1e-4
    average: float = 0.995
    paste: float = 0.45
    save_every: int = 100
    weights: Weights = field(default_factory=Weights)

    def round_at(self, step: int) -> tuple[Round, int]:
        """Return the round of a step, and the step at which it ends."""
        number = max(i for i, r in enumerate(self.rounds) if r.start <= step)
        following = [r.start for r in self.rounds[number + 1 :]]
        return self.rounds[number], min([*following, self.steps])


class Trainer:
    """Network, averaged network, optimiser and step, and how they go on.

    Attributes:
        step: The next one.
        start: sha256 of the network file that training began with; None for the teachers.
    """

    def __init__(
        self, net: MaquetteSmall, samples: Sequence[Sample], library: Sequence[Cutout], options: Options
    ) -> None:
        """Start at step 0.

        Args:
            net: The network, its trunks loaded.
            samples: What to learn from, in a fixed order.
            library: Things to paste.
            options: How.
        """
        self.net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.library, self.options = library, options
        self.groups = {g: [s for s in samples if s.group == g] for g in sorted({s.group for s in samples})}
        self.step = 0
        self.start: str | None = None
        self.origin = {f"{n}.{k}": v.detach().clone() for n in TRUNKS for k, v in getattr(net, n).state_dict().items()}
        self.average = {name: value.detach().clone() for name, value in net.state_dict().items()}
        trunk = upper_trunk(net)
        ours = {id(p) for p in (*net.ade.parameters(), *net.voc.parameters())}
        refine = list(net.refine.parameters())
        ours.update(id(p) for p in refine)
        heads = [p for p in net.parameters() if id(p) not in ours]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": heads, "start": 0},
                {"params": refine, "start": options.refine_after},
                {"params": trunk, "start": options.frozen_steps},
            ],
            lr=0.0,
            weight_decay=options.decay,
        )

    def begin_worlds(self, path: Path) -> None:
        """Start where worlds join, with the weights of an exported network."""
        self.net.load_onnx(path)
        self.average = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.step = self.options.rounds[WORLDS].start
        self.start = hashlib.sha256(path.read_bytes()).hexdigest()

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, a function of the seed and the step alone."""
        rng = np.random.default_rng([self.options.seed, step])
        count, size = SHAPES[int(rng.integers(len(SHAPES)))]
        names = list(self.groups)
        current, _ = self.options.round_at(step)
        shares = np.array([current.mix.get(name, 0.0) for name in names])
        rows = []
        for name in rng.choice(names, count, p=shares / shares.sum()):
            group = self.groups[str(name)]
            sample = group[int(rng.integers(len(group)))]
            rows.append(make(sample, size, self.library, self.options.paste, rng, current.whole))
        return Batch(*(torch.stack(column) for column in zip(*rows, strict=True)))

    def rates(self) -> None:
        """Set the learning rates of the next step: in every round a short ramp and then half a cosine."""
        current, end = self.options.round_at(self.step)
        peaks = (current.rate, current.refine_rate, self.options.trunk_rate)
        for group, peak in zip(self.optimiser.param_groups, peaks, strict=True):
            start = max(current.start, group["start"])
            done = (self.step - start) / max(1, end - start)
            ramp = min(1.0, (self.step - start + 1) / 50)
            group["lr"] = 0.0 if done < 0 else peak * ramp * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step and return its losses."""
        self.rates()
        if self.step == self.options.trunk_until:
            self.settle()
        moving = self.options.frozen_steps <= self.step < self.options.trunk_until
        for parameter in (*self.net.ade.parameters(), *self.net.voc.parameters()):
            parameter.requires_grad_(False)
        for parameter in self.optimiser.param_groups[2]["params"]:
            parameter.requires_grad_(moving)
        self.net.train()
        self.optimiser.zero_grad(set_to_none=True)
        image = batch.image.contiguous(memory_format=torch.channels_last)
        loss, parts = total(self.net(image, frozen_low=True), batch, self.options.weights)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {float(loss)} at step {self.step}: {parts}")
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.optimiser.param_groups:
            nn.utils.clip_grad_norm_(group["params"], 5.0)
        self.optimiser.step()
        keep = min(self.options.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                self.average[name].lerp_(value, 1 - keep)
        self.step += 1
        return parts

    def settle(self) -> None:
        """Take the trunks most of the way back to their teachers (``Options.trunk_share``)."""
        current = self.net.state_dict()
        with torch.no_grad():
            for name, before in self.origin.items():
                for weights in (current, self.average):
                    weights[name].copy_(torch.lerp(before, weights[name], self.options.trunk_share))

    def run(self, folder: Path, until: int | None = None, on_save: Callable[[], None] | None = None) -> None:
        """Train up to ``until`` (or the end), writing a checkpoint to ``folder`` now and then and at the end."""
        end = min(until or self.options.steps, self.options.steps)
        sums: dict[str, float] = {}
        start, count = time.monotonic(), 0
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.batch, self.step)
            while self.step < end:
                batch = coming.result()
                coming = ahead.submit(self.batch, self.step + 1)
                for name, value in self.learn(batch).items():
                    sums[name] = sums.get(name, 0.0) + value
                count += 1
                if self.step % 25 == 0 or self.step == end:
                    means = " ".join(f"{name} {value / count:.3f}" for name, value in sums.items())
                    log.info("step %d %.2f s/step %s", self.step, (time.monotonic() - start) / count, means)
                    sums, start, count = {}, time.monotonic(), 0
                if self.step % self.options.save_every == 0 or self.step == end:
                    self.save(folder / "checkpoint.pt")
                    if on_save is not None:
                        on_save()

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "net": self.net.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "rng": torch.get_rng_state(),
            "step": self.step,
            "start": self.start,
            "options": asdict(self.options),
        }
        aside = path.with_suffix(".part")
        torch.save(state, aside)
        os.replace(aside, path)

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state = torch.load(path, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["rng"])
        self.step, self.start = state["step"], state["start"]

    def averaged(self) -> MaquetteSmall:
        """Return a network with the averaged weights."""
        net = MaquetteSmall()
        net.load_state_dict(self.average)
        return net


def upper_trunk(net: MaquetteSmall) -> list[nn.Parameter]:
    """Return the parameters of both trunks above 1/8, in a fixed order."""
    found: list[nn.Parameter] = []
    for trunk in (net.ade, net.voc):
        assert isinstance(trunk, DeepLab)
        upper = list(trunk.backbone.blocks)[trunk.backbone.ends[2] + 1 :]
        modules: list[nn.Module] = [*upper, trunk.pyramid, trunk.classify]
        if trunk.decoder is not None:
            modules.append(trunk.decoder)
        found += [parameter for module in modules for parameter in module.parameters()]
    return found
