"""The promises of a service, each as one share of good requests, and the queries by which production measures it.

    ratio(w) = bad requests / all requests, over the window w

It has no value while nothing was asked (a division by zero would be NaN, and stay NaN in everything made of it). Errors
that never happened have no series: they count as zero. Both sides are sums without labels, so this holds for them.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from perfspec.base.units import format_duration, format_share
from perfspec.slo.promql import Selector, edge, window
from perfspec.spec.model import Spec
from perfspec.spec.slo import BudgetStep, LatencyPromise, Slo

__all__ = ["Objective", "Promises", "promises_of"]

MINUTE_NS = 60_000_000_000


class Objective(NamedTuple):
    """`total` is empty where production does not measure it."""

    name: str
    """As its threshold would be called: `availability`, `suggest p95`."""
    sentence: str
    target: Fraction
    period_ns: int
    total: str = ""
    bad: str = ""
    """The selector of bad requests; empty where good ones are counted."""
    good: str = ""
    latency: LatencyPromise | None = None
    histogram: str = ""
    """Of a latency: the selector of all its buckets."""

    @property
    def budget(self) -> Fraction:
        """The share of requests that may be bad."""
        return 1 - self.target

    @property
    def budget_minutes(self) -> Fraction:
        """The same as time of the period."""
        return Fraction(self.period_ns, MINUTE_NS) * self.budget

    def bad_requests(self, over: str, function: str = "rate") -> str:
        """The query of how many were bad."""
        if self.bad:
            return f"(sum({function}({self.bad}[{over}])) or vector(0))"
        return f"(sum({function}({self.total}[{over}])) - sum({function}({self.good}[{over}])))"

    def all_requests(self, over: str, function: str = "rate") -> str:
        return f"sum({function}({self.total}[{over}]))"

    def ratio(self, over_ns: int, function: str = "rate") -> str:
        return self.ratio_over(window(over_ns), function)

    def ratio_over(self, over: str, function: str = "rate") -> str:
        """The query of the share of bad requests."""
        total = f"({self.all_requests(over, function)} > 0)"
        if self.bad:
            return f"{self.bad_requests(over, function)} / {total}"
        return f"1 - sum({function}({self.good}[{over}])) / {total}"

    def percentile(self, quantile: str, over: str) -> str:
        """The query of a percentile of its durations, without a value while nothing was asked."""
        estimate = f"histogram_quantile({quantile}, sum by (le) (rate({self.histogram}[{over}])))"
        return f"{estimate} and {self.all_requests(over)} > 0"


class Promises(NamedTuple):
    """All that one service promises."""

    service: str
    team: str
    """The spec's owner; may be empty."""
    period_ns: int
    policy: tuple[BudgetStep, ...]
    objectives: tuple[Objective, ...]
    runbook: str = ""

    @property
    def measured(self) -> tuple[Objective, ...]:
        return tuple(each for each in self.objectives if each.total)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Why something cannot be asked of Prometheus, one sentence each."""
        return tuple(
            f"{self.service}: {each.name} cannot be computed, because the spec does not say "
            f"{'`slo.prometheus.latency`' if each.latency else '`total` and `errors` under `slo.prometheus`'}"
            for each in self.objectives
            if not each.total
        )

    def action(self, spent: Fraction) -> BudgetStep | None:
        """The last step of the policy that was reached."""
        return next((step for step in reversed(self.policy) if spent >= step.share), None)


def promises_of(spec: Spec) -> Promises | None:
    """None where a spec promises nothing."""
    slo = spec.slo
    if slo is None:
        return None
    found = tuple(_objectives(slo))
    return (
        Promises(spec.service, spec.owner, slo.period_ns, slo.when_budget_spent, found, slo.runbook) if found else None
    )


def _objectives(slo: Slo) -> Iterable[Objective]:
    said = slo.prometheus
    if slo.target is not None:
        sentence = f"{format_share(slo.target)} of requests are answered without a server error"
        availability = Objective("availability", sentence, slo.target, slo.period_ns)
        if said and said.total and said.errors:
            availability = availability._replace(total=str(Selector.of(said.total)), bad=str(Selector.of(said.errors)))
        yield availability
    for promise in slo.latency:
        yield _latency(promise, slo.period_ns, said.latency if said else "")


def _latency(promise: LatencyPromise, period_ns: int, selector: str) -> Objective:
    """Production counts a fast error as fast: its histogram does not say which answers were errors."""
    name = f"{promise.request} {promise.text.split()[0]}"
    word = "under" if promise.edge_ns != promise.limit_ns else "at most"
    sentence = f"{format_share(promise.target)} of `{promise.request}` take {word} {format_duration(promise.edge_ns)}"
    found = Objective(name, sentence, promise.target, period_ns, latency=promise)
    if not selector:
        return found
    series = Selector.of(selector).narrowed(promise.label)
    buckets = series.part("_bucket")
    return found._replace(
        total=str(series.part("_count")), good=str(buckets.narrowed(edge(promise.edge_ns))), histogram=str(buckets)
    )
