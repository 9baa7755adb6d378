"""The training loop: on one device or several, seeded, and resumable bit by bit on a CPU from what it wrote."""

from __future__ import annotations

import json
import logging
import math
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from maquette.errors import MaquetteError
from maquette.export.atomic import shown, whole
from maquette.metrics.depth import all_metrics, mean_over_images
from maquette.train.depth.augment import augment
from maquette.train.depth.frames import Division
from maquette.train.depth.losses import silog
from maquette.train.depth.options import AugmentOptions, TrainOptions
from maquette.train.depth.pictures import sheet
from maquette.train.depth.predict import predict
from maquette.train.nets.glpn import Glpn, save_folder

log = logging.getLogger(__name__)

SHOWN = 4
"""Validation pictures that TensorBoard shows."""
LOG_EVERY = 25
"""Steps over which the loss is averaged in the log."""


class Trainer:
    """Network, optimiser, schedule and step, and how they go on."""

    def __init__(
        self,
        net: Glpn,
        data: Division,
        options: TrainOptions,
        augmentation: AugmentOptions,
    ) -> None:
        """Start at step 0.

        Args:
            net: To train. Depth beyond its ``max_depth`` counts as unknown.
            data: What to learn from, and what to measure now and then.
            options: How.
            augmentation: What is done to the pictures.

        Raises:
            MaquetteError: There are too few pictures for a batch, or the devices cannot share it.
        """
        self.accelerator = Accelerator(mixed_precision=options.precision)
        self.data = data
        self.options, self.augmentation = options, augmentation
        self.max_depth = net.config.max_depth
        processes = self.accelerator.num_processes
        if options.batch % processes:
            raise MaquetteError(f"--batch {options.batch}: must be a multiple of the {processes} devices")
        self.epoch_steps = len(data.learn) // options.batch
        if not self.epoch_steps:
            raise MaquetteError(
                f"{len(data.learn)} pictures make no batch of {options.batch}; add pictures or lower --batch"
            )
        self.steps = self.epoch_steps * options.epochs
        kind = torch.optim.Adam if options.optimiser == "adam" else torch.optim.AdamW
        optimiser = kind(net.parameters(), lr=options.rate, weight_decay=options.decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=self.steps)
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.net, self.optimiser = self.accelerator.prepare(net, optimiser)
        self.step = 0
        self.metrics: dict[str, float] = {}
        self.plan = {
            **asdict(options),
            **asdict(augmentation),
            "max_depth": self.max_depth,
            "data": data.sha256,
            "pictures": len(data.learn),
        }

    @property
    def unwrapped(self) -> Glpn:
        """The network without what several devices add to it."""
        net: Glpn = self.accelerator.unwrap_model(self.net)
        return net

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return this device's share of a step, a function of the seed, the step and the device alone.

        Returns:
            Pictures (N, 3, H, W) float32 from 0 to 1 and their depth (N, H, W) float32 in metres, 0 where unknown.
        """
        options = self.options
        epoch, place = divmod(step, self.epoch_steps)
        order = np.random.default_rng([options.seed, 0, epoch]).permutation(len(self.data.learn))
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        pictures, depths = [], []
        for row in range(rank, options.batch, processes):
            rgb, depth_m = self.data.learn[int(order[place * options.batch + row])]
            number = step * options.batch + row
            rng = np.random.default_rng([options.seed, 1, number])
            rgb, depth_m = augment(rgb, depth_m, number, self.max_depth, self.augmentation, rng)
            pictures.append(torch.tensor(rgb).permute(2, 0, 1))
            depths.append(torch.from_numpy(np.where(depth_m <= self.max_depth, depth_m, np.float32(0))))
        image = torch.stack(pictures).float() / 255
        return image.contiguous(memory_format=torch.channels_last), torch.stack(depths)

    def learn_from(self, batch: tuple[Tensor, Tensor]) -> float:
        """Take one step and return its loss.

        Raises:
            MaquetteError: The loss is not finite.
        """
        seeds = np.random.SeedSequence([self.options.seed, 2, self.step, self.accelerator.process_index])
        torch.manual_seed(int(seeds.generate_state(1)[0]))
        self.net.train()
        self.optimiser.zero_grad()
        image, truth_m = (x.to(self.accelerator.device) for x in batch)
        with self.accelerator.autocast():
            depth_m = self.net(image)[:, 0]
        loss = silog(depth_m, truth_m, self.options.loss, self.options.lam)
        if not torch.isfinite(loss):
            raise MaquetteError(f"the loss is {float(loss.detach())} at step {self.step}; start anew, --rate lower")
        self.accelerator.backward(loss)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        return float(loss.detach())

    def measure(self) -> tuple[dict[str, float], NDArray[np.uint8]]:
        """Measure the validation pictures as they are.

        Returns:
            The mean over pictures of each of ``maquette.metrics.depth.all_metrics``, and a sheet of some of them:
            picture, truth, prediction.
        """
        rows, tiles = [], []
        for number, (rgb, depth_m) in enumerate(self.data.validate):
            made = predict(self.unwrapped, rgb)
            truth = np.where(depth_m <= self.max_depth, depth_m, np.float32(0))
            if truth.any():
                rows.append(all_metrics(made, truth))
            if number % math.ceil(len(self.data.validate) / SHOWN) == 0:
                tiles.append((rgb, (truth, made)))
        return mean_over_images(rows), sheet(tiles)

    def run(self, folder: Path, until: int | None = None) -> None:
        """Train up to step ``until`` (or the end), writing ``checkpoint.pt`` and TensorBoard's files to ``folder``."""
        end = min(until or self.steps, self.steps)
        main = self.accelerator.is_main_process
        writer = SummaryWriter(str(folder / "tensorboard"), purge_step=self.step) if main else None
        if self.step == 0:
            self._validate(writer)
        losses: list[float] = []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        quiet = not (main and sys.stderr.isatty())
        with ThreadPoolExecutor(1) as ahead, Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
            task = bar.add_task("learning", total=self.steps, completed=self.step)
            coming = ahead.submit(self.batch, self.step)
            while self.step < end:
                batch = coming.result()
                coming = ahead.submit(self.batch, self.step + 1)
                losses.append(self.learn_from(batch))
                if self.step % LOG_EVERY == 0 or self.step == end:
                    loss, losses = float(np.mean(losses)), []
                    log.info("step %d of %d, loss %.4f", self.step, self.steps, loss)
                    bar.update(
                        task, description=f"loss {loss:.4f}, silog {self.metrics.get('silog_half', math.nan):.4f}"
                    )
                    if writer is not None:
                        writer.add_scalar("loss", loss, self.step)
                        writer.add_scalar("rate", self.schedule.get_last_lr()[0], self.step)
                if self.step % self.options.validate_every == 0 or self.step == self.steps:
                    self._validate(writer)
                if self.step % self.options.save_every == 0 or self.step == end:
                    self.save(folder / "checkpoint.pt")
                bar.update(task, completed=self.step)
        if writer is not None:
            writer.close()

    def save(self, path: Path) -> None:
        """Write everything that the next step depends on; several devices write it once."""
        if self.accelerator.is_main_process:
            state = {
                "net": self.unwrapped.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "step": self.step,
                "plan": self.plan,
            }
            with whole(path) as fresh:
                torch.save(state, fresh)
        self.accelerator.wait_for_everyone()

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote.

        Raises:
            MaquetteError: It belongs to a training with other options or another number of pictures.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        other = [name for name, value in self.plan.items() if state["plan"].get(name) != value]
        if other:
            raise MaquetteError(
                f"{shown(path)}: was begun with other values of {', '.join(other)}; give the same or another folder"
            )
        self.unwrapped.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.step = state["step"]

    def _validate(self, writer: SummaryWriter | None) -> None:
        if writer is not None and len(self.data.validate):
            self.metrics, picture = self.measure()
            log.info("step %d, validation: %s", self.step, ", ".join(f"{k} {v:.4f}" for k, v in self.metrics.items()))
            for name, value in self.metrics.items():
                writer.add_scalar(f"validation/{name}", value, self.step)
            writer.add_image("validation", picture, self.step, dataformats="HWC")
        self.accelerator.wait_for_everyone()


def fit(
    net: Glpn,
    data: Division,
    options: TrainOptions,
    augmentation: AugmentOptions,
    folder: Path,
    until: int | None = None,
) -> Glpn:
    """Train from the last checkpoint in ``folder``, or from the start; see ``Trainer``.

    Returns:
        The network. Once all steps are done, it is in ``folder / "network"``, too, and what it was trained with in
        ``folder / "training.json"``.
    """
    trainer = Trainer(net, data, options, augmentation)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
        log.info("going on from step %d", trainer.step)
    trainer.run(folder, until)
    if trainer.step == trainer.steps and trainer.accelerator.is_main_process:
        save_folder(trainer.unwrapped, folder / "network")
        with whole(folder / "training.json") as fresh:
            fresh.write_text(json.dumps({"steps": trainer.steps, **trainer.plan}, indent=1) + "\n", encoding="utf-8")
    trainer.accelerator.wait_for_everyone()
    return trainer.unwrapped
