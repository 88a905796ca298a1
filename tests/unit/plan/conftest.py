"""Plans of specs/search.yaml, the spec that is run against the reference service."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.plan.build import Choice
from perfspec.plan.model import Plan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def search(monkeypatch) -> Callable[..., Plan]:
    """The plan of a stage of the search spec."""
    monkeypatch.chdir(ROOT)

    def run(
        stage: str = "smoke",
        environment: str | None = None,
        seed: int | None = None,
        only: str | None = None,
        scale: str = "1",
    ) -> Plan:
        built = plan("specs/search.yaml", Choice(stage, environment, seed, only=only, time_scale=Fraction(scale))).plan
        assert built is not None
        return built

    return run
