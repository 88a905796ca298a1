"""Plans for the simulation, of specs in a line or two."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.plan.build import Choice
from perfspec.plan.model import Plan


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    def run(text: str, stage: str = "smoke") -> Plan:
        (tmp_path / "s.yaml").write_text(text)
        built = plan(str(tmp_path / "s.yaml"), Choice(stage)).plan
        assert built is not None
        return built

    return run
