"""Runs in several processes: specs for them, and who their workers are."""

from pathlib import Path
from typing import Any

import pytest

STEADY = """
flows:
  look: {steps: [{get: /v1/suggest?q=we, name: suggest, timeout: 30s}, {pause: 50ms}]}
stages:
  smoke: {warmup: 1s, extend_to: 30s, phases: [{for: 6s, users: 12}]}
  long: {warmup: 1s, phases: [{for: 60s, users: 12}]}
  search: {find_limit: {users: 4 to 6, hold_each: 1s, precision: 5%}}
thresholds:
  suggest: {errors: at most 5%, p95: at most 1s, throughput: at least 1/s}
  all: {errors: at most 5%}
"""
WORKER = b"perfspec.engine.worker"


class Steady:
    """Runs of twelve users on a service."""

    def __init__(self, new_folder, perfspec, small_spec, service, healthy) -> None:
        self.new_folder = new_folder
        self.perfspec = perfspec
        self.small_spec = small_spec
        self.service = service
        self.healthy = healthy

    def begin(self, name: str, search: Any, stage: str = "smoke", workers: int = 2, **more: str) -> Any:
        """`more`: environment variables."""
        folder = self.small_spec(self.new_folder(name), search.url, STEADY)
        return self.perfspec.begin(folder, "--stage", stage, "--workers", str(workers), **more)

    @staticmethod
    def workers_of(begun: Any) -> list[int]:
        """The worker processes of a run, in the order in which they were started."""
        return sorted(pid for pid in begun.children() if WORKER in _command_of(pid))


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


@pytest.fixture(scope="session")
def steady(new_folder, perfspec, small_spec, service, healthy) -> Steady:
    return Steady(new_folder, perfspec, small_spec, service, healthy)
