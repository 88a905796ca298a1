"""Plans for the simulation, of specs in a line or two, and what becomes of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perfspec.app.plan import plan
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Service, SimDriver
from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.plan.build import Choice
from perfspec.plan.model import Plan
from perfspec.report.result import Result, make
from perfspec.steps.runtime import Origin


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[..., Plan]:
    def run(text: str, stage: str = "smoke") -> Plan:
        (tmp_path / "s.yaml").write_text(text)
        built = plan(str(tmp_path / "s.yaml"), Choice(stage)).plan
        assert built is not None
        return built

    return run


@pytest.fixture
def result_of(plan_of: Callable[..., Plan]) -> Callable[[str, Service], Result]:
    """Of the smoke stage of a spec, against a service."""

    def run(text: str, service: Service) -> Result:
        plan = plan_of(text)
        seconds, endings = [], []
        driver = SimDriver(service, 1)
        load = Load(plan, driver, Origin("sim", 1, "sim"), Inputs("r", {}, {}), seconds.append, endings.append)
        load.start(T0)
        driver.run()
        (ending,) = endings
        end = End(ending.reason, ending.ended_ns, ending.unfinished, ending.waits, load.abort)
        return make(plan, Log(Beginning("r", "", plan.hash, ""), tuple(seconds), end))

    return run
