"""The workers of a Ray cluster (extra ``cluster``)."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from maquette.errors import MaquetteError
from maquette.worlds.encode import Files
from maquette.worlds.workers import Job, portable, worker_died


class RayTeam:
    """Actors, with a core each. maquette must be installed on every machine of the cluster."""

    def __init__(self, job: Job, size: int | None, most: int) -> None:
        """Start actors.

        Args:
            job: What they do.
            size: How many; None takes one for each core of the cluster.
            most: At most so many.

        Raises:
            MaquetteError: Ray is not installed, or its cluster cannot be reached.
        """
        address = os.environ.get("RAY_ADDRESS")
        if address is not None:
            _check_reachable(address)
        ray = _ray()
        try:
            ray.init(address, ignore_reinit_error=True, log_to_driver=False, logging_level="error")
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise MaquetteError(f"the Ray cluster cannot be reached ({error}); check RAY_ADDRESS") from error
        self.size = min(size or int(ray.cluster_resources()["CPU"]), most)
        actor = ray.remote(num_cpus=1, runtime_env={"env_vars": job.threads})(_Actor)
        self._actors = [actor.remote(job) for _ in range(self.size)]
        self._out: dict[Any, tuple[int, int]] = {}

    def __enter__(self) -> RayTeam:
        """Nothing more to do."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the actors; the cluster stays."""
        ray = _ray()
        for actor in self._actors:
            ray.kill(actor)

    def submit(self, worker: int, number: int) -> None:
        """Hand a scene to an actor."""
        self._out[self._actors[worker].make.remote(number)] = worker, number

    def finished(self) -> list[tuple[int, int, Files]]:
        """Wait for scenes to be made; give (worker, number, files) of each.

        Raises:
            MaquetteError: A scene could not be made, or an actor has died.
        """
        ray = _ray()
        done, _ = ray.wait(list(self._out), num_returns=1)
        try:
            outcomes = ray.get(done)
        except ray.exceptions.RayError as error:
            raise worker_died(f"{type(error).__name__} of Ray") from error
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        return [(*self._out.pop(reference), outcome) for reference, outcome in zip(done, outcomes, strict=True)]


def _check_reachable(address: str) -> None:
    """Refuse a HOST:PORT where nobody answers: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise MaquetteError(f"{address}: no Ray cluster answers there ({error}); check RAY_ADDRESS") from error


def _ray() -> Any:
    """Ray, which is not there for all: so its types are not known here."""
    try:
        return import_module("ray")
    except ImportError as error:
        raise MaquetteError("--engine ray needs Ray; install it with: pip install 'maquette[cluster]'") from error


class _Actor:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._open = ExitStack()
        self._make: Callable[[int], Files] | None = None

    def make(self, number: int) -> Files | Exception:
        try:
            if self._make is None:
                self._make = self._open.enter_context(self._job.open())
            return self._make(number)
        except Exception as error:
            return portable(error, number)
