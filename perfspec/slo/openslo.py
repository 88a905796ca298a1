"""Promises as objects of OpenSLO v1: a Service, and an SLO with its indicator for each promise that is measured."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from perfspec.base.units import format_duration, format_share
from perfspec.slo.objectives import Objective, Promises
from perfspec.slo.yaml import many_to_yaml

__all__ = ["openslo"]

VERSION = "openslo/v1"


class Metadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    name: str
    display_name: str
    labels: dict[str, str] = {}


class Object(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    metadata: Metadata
    spec: object


class ServiceSpec(msgspec.Struct, frozen=True):
    description: str


class Query(msgspec.Struct, frozen=True):
    query: str


class Source(msgspec.Struct, frozen=True):
    type: str
    spec: Query


class Metric(msgspec.Struct, frozen=True, rename="camel"):
    metric_source: Source


class Ratio(msgspec.Struct, frozen=True, omit_defaults=True):
    """Either good or bad, and total."""

    counter: bool
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None


class IndicatorSpec(msgspec.Struct, frozen=True, rename="camel"):
    ratio_metric: Ratio


class Indicator(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: IndicatorSpec


class Window(msgspec.Struct, frozen=True, rename="camel"):
    duration: str
    is_rolling: bool


class Goal(msgspec.Struct, frozen=True, rename="camel"):
    display_name: str
    target: float


class SloSpec(msgspec.Struct, frozen=True, rename="camel"):
    description: str
    service: str
    indicator: Indicator
    time_window: tuple[Window, ...]
    budgeting_method: str
    objectives: tuple[Goal, ...]


def openslo(services: Iterable[Promises]) -> str:
    """YAML documents. What no series is named for has no query, and so no object."""
    return many_to_yaml([msgspec.to_builtins(each) for promises in services for each in _objects(promises)])


def _objects(promises: Promises) -> Iterator[Object]:
    name = _name(promises.service)
    labels = {"team": promises.team} if promises.team else {}
    yield Object(
        VERSION, "Service", Metadata(name, promises.service, labels), ServiceSpec(f"the service {promises.service}")
    )
    for objective in promises.measured:
        yield _slo(promises, objective, labels)


def _slo(promises: Promises, objective: Objective, labels: dict[str, str]) -> Object:
    name = _name(f"{promises.service}-{objective.name}")
    title = f"{promises.service}: {objective.name}"
    ratio = Ratio(
        counter=True,
        good=_metric(objective.good) if objective.good else None,
        bad=_metric(objective.bad) if objective.bad else None,
        total=_metric(objective.total),
    )
    spec = SloSpec(
        description=objective.sentence,
        service=_name(promises.service),
        indicator=Indicator(Metadata(f"{name}-ratio", title), IndicatorSpec(ratio)),
        time_window=(Window(format_duration(objective.period_ns), is_rolling=True),),
        budgeting_method="Occurrences",
        objectives=(Goal(format_share(objective.target), float(objective.target)),),
    )
    return Object(VERSION, "SLO", Metadata(name, title, labels), spec)


def _metric(selector: str) -> Metric:
    """A counter is not summed over its life: whoever reads it takes its increase, as `counter: true` says."""
    return Metric(Source("Prometheus", Query(f"sum({selector})")))


def _name(text: str) -> str:
    """Letters, digits and `-`, at most 63 of them, as names of objects are."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].rstrip("-")
