"""Specs, plans, thresholds and slices in a line each, for all folders of tests below."""

from collections.abc import Callable, Mapping

import pytest

from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.compose import compose
from perfspec.language.nodes import Mapping as MappingNode
from perfspec.metrics import histogram
from perfspec.metrics.series import Key, Slice
from perfspec.plan.build import Choice, build, read_files
from perfspec.plan.model import Plan
from perfspec.spec.checks import check
from perfspec.spec.model import Spec, Threshold
from perfspec.spec.reading import read
from perfspec.spec.thresholds import read_promises, resolve

MS = 1_000_000
ADVICE = ("PS307", "PS310", "PS311", "PS630")
"""Warnings that short specs of tests would get for nothing: names nobody reads, conditions that never change, requests
that may fail."""


def _root(text: str, out: Diagnostics) -> MappingNode:
    root = compose(Source("s.yaml", text), out)
    assert isinstance(root, MappingNode)
    return root


def as_bytes(files: Mapping[str, str | None]) -> dict[str, bytes | None]:
    return {path: None if text is None else text.encode() for path, text in files.items()}


def _read(text: str, files: Mapping[str, str | None]) -> tuple[Spec, list[Diagnostic]]:
    out = Diagnostics()
    spec = read("s.yaml", _root(text, out), out)
    check(spec, out)
    read_files(spec, as_bytes(files), out)
    return spec, out.sorted()


@pytest.fixture(scope="session")
def spec_of() -> Callable[..., Spec]:
    """A spec in which nothing is wrong; it may be odd."""

    def run(text: str, files: Mapping[str, str | None] = {}) -> Spec:
        spec, found = _read(text, files)
        assert [finding for finding in found if finding.code not in ADVICE] == []
        return spec

    return run


@pytest.fixture(scope="session")
def findings() -> Callable[..., list[Diagnostic]]:
    """What is found in a spec."""

    def run(text: str, files: Mapping[str, str | None] = {}) -> list[Diagnostic]:
        return _read(text, files)[1]

    return run


@pytest.fixture(scope="session")
def told() -> Callable[..., list[str]]:
    """What is said of a spec: `line:column CODE message | help`; not that its requests may fail."""

    def run(text: str, files: Mapping[str, str | None] = {}) -> list[str]:
        _, found = _read(text, files)
        return [f"{d.span.line}:{d.span.column} {d.code} {d.message} | {d.help}" for d in found if d.code != "PS630"]

    return run


@pytest.fixture(scope="session")
def plan_of(spec_of) -> Callable[..., Plan]:
    """The plan of a stage of a spec in which nothing is wrong."""

    def run(
        text: str,
        stage: str = "smoke",
        environment: str | None = None,
        seed: int | None = None,
        files: Mapping[str, str] = {},
    ) -> Plan:
        out = Diagnostics()
        spec = spec_of(text, files)
        plan = build(spec, Choice(stage, environment, seed), read_files(spec, as_bytes(files), out), out)
        assert out.sorted() == []
        assert plan is not None
        return plan

    return run


@pytest.fixture(scope="session")
def refused_plan(spec_of) -> Callable[..., list[str]]:
    """What is said of a stage that cannot be planned."""

    def run(text: str, stage: str = "smoke", environment: str | None = None) -> list[str]:
        out = Diagnostics()
        assert build(spec_of(text), Choice(stage, environment), {}, out) is None
        return [f"{d.span.line}:{d.span.column} {d.code} {d.message} | {d.help}" for d in out.sorted()]

    return run


@pytest.fixture(scope="session")
def threshold() -> Callable[[str, str, str], Threshold]:
    """A threshold by row, cell and limit."""

    def run(row: str, cell: str, limit: str) -> Threshold:
        out = Diagnostics()
        (promise,) = read_promises(_root(f'"{row}": {{"{cell}": "{limit}"}}', out), out)
        found = resolve(promise, {}, out)
        assert out.sorted() == []
        assert found is not None
        return found

    return run


def _piece(
    name: str = "suggest",
    n: int = 100,
    *,
    errors: dict[str, int] | None = None,
    over: dict[int, int] | None = None,
    unavailable: int = 0,
    ms: float = 10,
    answered: int | None = None,
    second: int = 10,
    timer: str = "",
    tags: tuple[tuple[str, str], ...] = (),
    part: str = "load",
    flow: str = "",
) -> Slice:
    count = n if answered is None else answered
    times = {histogram.index(int(ms * 1000)): count} if count else {}
    key = Key(name, timer, tags, part, flow)
    return Slice(key, second, n, errors or {}, unavailable, over or {}, times, dict(times))


@pytest.fixture(scope="session")
def piece() -> Callable[..., Slice]:
    """A slice in which all answers took equally long; `over` counts per limit in ns."""
    return _piece
