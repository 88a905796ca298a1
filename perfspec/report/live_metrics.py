"""A run while it lasts as Prometheus text: counters that only rise, fed with every second as it is logged.

Names and labels: docs/guide/metrics.md. Tags and flows are summed, so that the number of series depends on the requests
and limits of the spec alone. Buckets end where somebody may want to look, and at every limit of the request.
"""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from perfspec.base.clock import SECOND
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.rows import Row
from perfspec.plan.model import Plan
from perfspec.report.prometheus import MOST_KINDS, Family, exposition
from perfspec.report.standing import Standing

__all__ = ["LiveMetrics"]

EDGES_US = (5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000,
            10_000_000)  # fmt: skip
TIMERS = {"": "request", "wait": "wait"}
"""Others are parts of these, or no times at all."""
P99 = Fraction(99, 100)
STANDS = {"holds": 1.0, "broken": 0.0}
Labels = dict[str, str]


class LiveMetrics:
    def __init__(self, plan: Plan) -> None:
        self._run = {"service": plan.service, "stage": plan.stage, "environment": plan.target.environment}
        self._limits = plan.request_limits()
        self._standing = Standing(plan)
        self._rows: dict[tuple[str, str], Row] = {}
        self._lateness: Counter[int] = Counter()
        self._users = self._second = self._cpu_ns = 0

    def add(self, second: LoggedSecond) -> None:
        self._users, self._second = second.users, second.second
        self._cpu_ns += second.cpu_ns
        self._lateness.update(second.lateness)
        self._standing.add(second)
        for piece in second.slices:
            if piece.key.part == "load" and piece.key.timer in TIMERS:
                self._rows.setdefault((piece.key.name, piece.key.timer), Row()).add(piece)

    def exposition(self) -> bytes:
        run = self._run
        requests = {name: run | {"request": name[0], "timer": TIMERS[name[1]]} for name in self._rows}
        stands = [(run | {"threshold": s.threshold}, STANDS[s.word]) for s in self._standing.now() if s.word in STANDS]
        return exposition([
            Family("perfspec_users", "gauge", "virtual users at work", [(run, float(self._users))]),
            Family("perfspec_run_seconds", "gauge", "how long the load has lasted", [(run, float(self._second))]),
            Family(
                "perfspec_requests_total", "counter", "requests that were due, answered or not",
                [(requests[name], float(row.n)) for name, row in self._rows.items()],
            ),
            Family(
                "perfspec_failed_requests_total", "counter", "requests that failed",
                [(requests[name], float(row.failed)) for name, row in self._rows.items()],
            ),
            Family(
                "perfspec_request_errors_total", "counter", "requests that failed, by kind of error",
                [
                    (requests[name] | {"kind": kind}, float(n))
                    for name, row in self._rows.items()
                    for kind, n in _kinds(row.errors).items()
                ],
            ),
            Family(
                "perfspec_response_time_seconds", "histogram", "response times, from the moment a request was due",
                [sample for name, row in self._rows.items() for sample in self._buckets(name, requests[name], row)],
            ),
            Family("perfspec_threshold_holds", "gauge", "1 while the limit holds, 0 while it is broken", stands),
            Family(
                "perfspec_generator_late_seconds", "gauge",
                "how late the load generator itself was, 99th percentile",
                [(run, histogram.exact(self._lateness, P99) / 1_000_000)],
            ),
            Family(
                "perfspec_generator_cpu_seconds_total", "counter", "CPU time of the load generator",
                [(run, self._cpu_ns / SECOND)],
            ),
        ])  # fmt: skip

    def _buckets(self, name: tuple[str, str], labels: Labels, row: Row) -> list[tuple[Labels, float, str]]:
        """Cumulative, as Prometheus counts. A time between two edges of our own histogram counts to the upper one."""
        edges = sorted({*EDGES_US, *(-(-ns // 1000) for ns in self._limits.get(name, ()))})
        counts = sorted(row.response.items())
        samples: list[tuple[Labels, float, str]] = []
        seen = at = 0
        for edge in edges:
            while at < len(counts) and histogram.lowest(counts[at][0]) <= edge:
                seen += counts[at][1]
                at += 1
            samples.append((labels | {"le": repr(edge / 1_000_000)}, float(seen), "_bucket"))
        total = histogram.count(row.response)
        samples.append((labels | {"le": "+Inf"}, float(total), "_bucket"))
        samples.append((labels, histogram.mean(row.response) * total / 1_000_000, "_sum"))
        samples.append((labels, float(total), "_count"))
        return samples


def _kinds(errors: Mapping[str, int]) -> dict[str, int]:
    """The first so many kinds keep their name, so that no counter falls when another one overtakes it."""
    named = dict(list(errors.items())[:MOST_KINDS])
    rest = sum(errors.values()) - sum(named.values())
    return named | ({"other": rest} if rest else {})
