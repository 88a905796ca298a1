"""Data in a whole load, in simulation: rows dealt out once each, and what happens when they are used up."""

import re
from collections import Counter

import pytest

from perfspec.app.plan import plan
from perfspec.base.clock import MILLISECOND
from perfspec.engine.load import Inputs, Load
from perfspec.engine.sim import T0, Reply, Service, SimDriver
from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.plan.build import Choice
from perfspec.report.rejudge import rejudge
from perfspec.report.result import Result, make
from perfspec.steps.runtime import Origin

SPEC = """
perfspec: 1
service: shop
environments: {local: {url: "http://shop.test"}}
data:
  person: {csv: people.csv, ORDER}
  number: {sequence: 100 up}
VISITS
flows:
  buy: {weight: 3, steps: [{get: "/buy?who=${person.name}&n=${number}&again=${fresh(number)}", name: buy}, {pause: 1s}]}
  look: {weight: 1, steps: [{get: /look, name: look}, {pause: 1s}]}
stages: {smoke: {phases: [{for: 10s, users: ramp 1 to 4}, {for: 20s, users: 4}]}}
thresholds: {all: {errors: under 1%}}
"""


@pytest.fixture
def played(tmp_path, monkeypatch):
    """The targets that a stage asks for, its notes, and the codes of what was said when it was planned. `left`: how
    often somebody may have had to leave.
    """
    monkeypatch.chdir(tmp_path)

    def run(order: str, rows: int, *, visits: str = "", left=range(100), spec: str = SPEC):
        (tmp_path / "spec.yaml").write_text(spec.replace("ORDER", order).replace("VISITS", visits))
        (tmp_path / "people.csv").write_text("name\n" + "".join(f"p{n}\n" for n in range(rows)))
        planned = plan("spec.yaml", Choice("smoke"))
        targets: list[str] = []

        def reply(_call, wire, _now_ns):
            targets.append(wire.decode().split(" ")[1])
            return Reply()

        driver = SimDriver(Service(lambda _: 20 * MILLISECOND, reply), 1)
        endings = []
        load = Load(
            planned.plan, driver, Origin("sim", 1, "sim"), Inputs("r", planned.rows, {}), lambda _: None, endings.append
        )
        load.start(T0)
        driver.run()
        assert [ending.reason for ending in endings] == ["finished"]
        assert endings[0].left in left
        return targets, dict(driver.first_errors), [d.code for d in planned.foreseen.findings]

    return run


def people(targets: list[str]) -> Counter[str]:
    return Counter(match[1] for target in targets if (match := re.search(r"who=(\w+)", target)))


def test_every_row_is_sent_once_and_whoever_finds_none_leaves(played) -> None:
    targets, notes, codes = played("order: once each", 20, left=range(4, 9))
    assert people(targets) == Counter({f"p{n}": 1 for n in range(20)})
    assert notes == {"used up": "the rows of `person` are used up; who finds none leaves"}
    assert "PS236" in codes


def test_rows_that_last_are_no_matter(played) -> None:
    targets, notes, codes = played("order: once each", 200, left={0})
    assert len(people(targets)) == people(targets).total() > 50
    assert notes == {}
    assert "PS236" not in codes


def test_rows_that_begin_again_are_sent_equally_often(played) -> None:
    targets, notes, codes = played("order: in order", 5)
    found = people(targets)
    assert len(found) == 5
    assert max(found.values()) - min(found.values()) <= 4
    assert (notes, "PS236" in codes) == ({}, False)


def test_no_number_of_a_sequence_is_sent_twice(played) -> None:
    targets, _, _ = played("order: random", 5)
    numbers = [int(number) for target in targets for number in re.findall(r"(?:n|again)=(\d+)", target)]
    assert len(numbers) > 100
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) == 100


@pytest.mark.parametrize("when", ["first", "last"])
def test_whoever_finds_no_row_before_or_after_the_rounds_is_told_of_as_well(played, when) -> None:
    """Two rows for four users: two of them cannot begin, or cannot end as they should."""
    visits = f'each_user: {{{when}: [{{get: "/{when}?who=${{person.name}}", name: {when}}}]}}'
    spared = SPEC.replace("who=${person.name}&", "")
    assert spared != SPEC
    targets, notes, _ = played(
        "order: once each", 2, visits=visits, spec=spared, left=range(2, 5)
    )  # who is gone comes with the next phase, and leaves again
    assert people(targets) == Counter({"p0": 1, "p1": 1})
    assert notes == {"used up": "the rows of `person` are used up; who finds none leaves"}
    assert len({t for t in targets if t.startswith("/buy")}) > 10


@pytest.fixture
def result(tmp_path, monkeypatch):
    """What becomes of a stage with so many rows, dealt once each."""
    monkeypatch.chdir(tmp_path)

    def run(phase: str, rows: int) -> Result:
        text = SPEC.replace("ORDER", "order: once each, when_used_up: stop").replace("VISITS", "")
        phases = "[{for: 10s, users: ramp 1 to 4}, {for: 20s, users: 4}]"
        (tmp_path / "spec.yaml").write_text(text.replace(phases, phase).replace("weight: 1,", "weight: 0,"))
        (tmp_path / "people.csv").write_text("name\n" + "".join(f"p{n}\n" for n in range(rows)))
        planned = plan("spec.yaml", Choice("smoke"))
        driver = SimDriver(Service(lambda _: 20 * MILLISECOND, lambda *_: Reply()), 1)
        seconds, endings = [], []
        origin, inputs = Origin("sim", 1, "sim"), Inputs("r", planned.rows, {})
        load = Load(planned.plan, driver, origin, inputs, seconds.append, endings.append)
        load.start(T0)
        driver.run()
        (ended,) = endings
        end = End(ended.reason, ended.ended_ns, ended.unfinished, ended.waits, left=ended.left)
        return make(planned.plan, Log(Beginning("r", "", "", ""), tuple(seconds), end))

    return run


@pytest.mark.parametrize(
    ("phase", "rows", "left"),
    [
        ("[{rounds: 100, users: 7}]", 2, 7),
        ("[{rounds: 100, users: 7}]", 99, 1),
        ("[{rounds: 100, users: 7}]", 100, 0),
        ("[{for: 20s, users: 3}]", 30, 3),
        ("[{for: 20s, arrivals: 5/s}]", 95, 5),
    ],
)
def test_a_load_that_ran_dry_early_passes_nothing(result, phase, rows, left) -> None:
    """Two rounds of a hundred were made, and nothing failed: that is no pass of a hundred."""
    found = result(phase, rows)
    (verdict,) = found.verdicts
    assert found.left == left
    assert (found.outcome, verdict.outcome) == (("INCONCLUSIVE",) * 2 if left else ("PASS",) * 2)
    users = "1 user" if left == 1 else f"{left} users"
    why = f"{users} found no row of their data left, and went before the load was over"
    assert verdict.reason == (f"{why}; less load than was asked for proves no limit" if left else "")
    assert rejudge(found, found.plan).verdicts == found.verdicts
