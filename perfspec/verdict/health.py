"""Was the load generator itself well? Its own lateness makes latency rows inconclusive; everything else only explains.

Late is how long after its planned moment a timer was really called, and how late the event loop answered a probe. Both
are tail figures: with 50 ms of blocking now and then the median stays at a fraction of a millisecond while a true 20 ms
request measures 62 ms. CPU, steal and throttling never invalidate by themselves: service and generator often share a
small machine, and a busy one that is on time has measured well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import msgspec

from perfspec.base.clock import MILLISECOND, SECOND
from perfspec.base.units import format_ms
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import DROPPED, GENERATOR_KINDS
from perfspec.metrics.histogram import Histogram
from perfspec.metrics.rows import total
from perfspec.metrics.series import ARRIVAL, Slice
from perfspec.metrics.vitals import OfWorker, Vitals
from perfspec.spec.model import Threshold

__all__ = [
    "Health",
    "Sampled",
    "around",
    "cap_reached",
    "held_back",
    "held_to",
    "judge_health",
    "late_limit_ns",
    "standstill_ns",
    "tightest_ns",
    "worst_ns",
]

LEAST_LIMIT_NS = 10 * MILLISECOND
SHARE_OF_LIMIT = Fraction(1, 10)
STOOD_STILL_NS = 50 * MILLISECOND
"""Who calls a timer later than this has stood still; below, it was busy."""
STOPPED_NS = 500 * MILLISECOND
"""Nothing that a machine does beside it takes so long: it was stopped, or the machine slept."""
CPU_HIGH = 0.85
CPU_HIGH_SECONDS = 3
MACHINE_HIGH = 0.90
STEAL_HIGH = 0.05
NEARLY_USED_UP = 0.9
"""The error kind of those who found no place."""
P99 = Fraction(99, 100)
HELD_SHARE = 0.01
"""Of requests that an environment's ceiling may hold back."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One judged second."""

    lateness: Histogram
    """us -> count."""
    cpu_ns: int
    vitals: Vitals | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    workers: Sequence[OfWorker] = ()
    """Of several processes."""
    at_s: int = 0
    """Which second of the load it was."""

    @property
    def latest_ns(self) -> int:
        """How late its latest timer or probe was."""
        lag = self.vitals.lag if self.vitals is not None else {}
        return max((*self.lateness, *lag), default=0) * 1000

    @property
    def busiest_ns(self) -> int:
        """CPU time of the process that used most: no process has more than one core."""
        return max((each.cpu_ns for each in self.workers), default=self.cpu_ns)

    @classmethod
    def of(
        cls,
        lateness: Mapping[int, int],
        cpu_ns: int,
        vitals: Vitals | None,
        slices: Iterable[Slice],
        workers: Sequence[OfWorker] = (),
        at_s: int = 0,
    ) -> "Sampled":
        """`slices`: what came in during the second."""
        requests = total(slices, lambda piece: piece.key.timer in ("", "wait", ARRIVAL))
        return cls(dict(lateness), cpu_ns, vitals, requests.errors, workers, at_s)


class Health(msgspec.Struct, frozen=True):
    """The load generator over the judged time. What could not be read on its machine is None."""

    late_p99_ns: int
    """How late timers were called, those that send requests among them."""
    late_limit_ns: int
    """More than this, of timers or of the loop, and latency is not judged."""
    timers: int
    cpu_share: float
    """Of one core, over the judged time; of several processes, that of the busiest."""
    lag_p99_ns: int = 0
    """How late the event loop called a probe that asks every 10 ms."""
    probes: int = 0
    cpu_high_s: int = 0
    """The longest stretch of seconds above 85 % of a core."""
    machine_busy: float | None = None
    """Share of all cores in use, by anyone."""
    steal: float | None = None
    """Share of all cores that the host kept for others."""
    throttled_s: int = 0
    """Seconds in which a CPU limit held the generator back."""
    descriptors: int | None = None
    """Most open files and sockets."""
    descriptors_limit: int | None = None
    ports: int | None = None
    """Most TCP connections of the machine, those in TIME_WAIT included."""
    ports_limit: int | None = None
    dropped: int = 0
    """People who came while as many as may be there at once were there, and were turned away: not its own doing."""
    own_failures: int = 0
    """Requests that failed by this machine's doing: no descriptors, no ports."""
    workers: int = 1
    """Processes that sent."""
    latest: int = 0
    """Of several, the one that was latest in most seconds."""
    stopped_ns: int = 0
    """How long it stood still at a stretch, at the longest, if it was on time but for that: stopped, or asleep."""
    stopped_at_s: int = 0
    """In which second of the load that began."""
    remarks: tuple[str, ...] = ()
    """What was notable, each with what to do; it explains and invalidates nothing."""

    @property
    def worst_ns(self) -> int:
        return max(self.late_p99_ns, self.lag_p99_ns)

    @property
    def late(self) -> str:
        """Not empty if latency cannot be judged: cause and next step, in words."""
        if self.worst_ns <= self.late_limit_ns:
            return ""
        worst, allowed = format_ms(self.worst_ns), format_ms(self.late_limit_ns)
        seen = (
            f"p99 {worst}, allowed {allowed}" if worst != allowed else f"p99 just over the {allowed} that are allowed"
        )
        cause, step = self._cause()
        which = f", most often worker {self.latest} of {self.workers}" if self.latest else ""
        return f"the load generator itself was late ({seen}{which}{cause}): {step}"

    def _cause(self) -> tuple[str, str]:
        """(what probably held it up, what to do)."""
        if self.stopped_ns:
            how_long = f", for it stood still for {format_ms(self.stopped_ns)} at {self.stopped_at_s} s"
            return how_long, "let it run without a stop, on a machine that does not sleep, and run again"
        if self.throttled_s:
            return f", held back by a CPU limit in {self.throttled_s} s", "raise the CPU limit of its container"
        if self.steal is not None and self.steal > STEAL_HIGH:
            return f", {self.steal:.0%} of the CPU taken by the host", "run it on a machine of its own"
        relief = "more --workers, or with fewer users" if self.has_idle_cores else "fewer users, or on a faster machine"
        if self.cpu_share > CPU_HIGH or self.cpu_high_s >= CPU_HIGH_SECONDS:
            return f", with {self.cpu_share:.0%} of a core in use", f"run with {relief}"
        if self.machine_busy is not None and self.machine_busy > MACHINE_HIGH:
            return f", on a machine {self.machine_busy:.0%} busy", "give this machine less to do, or use another one"
        return "", "give this machine less to do, or run with fewer users"

    @property
    def has_idle_cores(self) -> bool:
        return self.machine_busy is not None and self.machine_busy <= MACHINE_HIGH


def held_back(held: int, sent: int, most: int) -> str:
    """Not empty if the environment's ceiling of `most` requests a second, and not the service, made requests slow."""
    if held <= HELD_SHARE * sent:
        return ""
    return f"the environment's ceiling of {most} requests/s held back {held} requests: ask for less load, or raise it"


def cap_reached(most: int, turned_away: int) -> str:
    """Why limits are not judged that only people have broken for whom the environment allows no place."""
    people = f"the {most} users at a time that the environment allows left no place for {turned_away} people"
    return f"{people}: ask for less load, or raise its limit"


def tightest_ns(thresholds: Iterable[Threshold]) -> int:
    """The shortest time of any limit; 0: none."""
    quantities = (threshold.limit.quantity for threshold in thresholds)
    return min((int(q.value) for q in quantities if q.unit == "time"), default=0)


def late_limit_ns(tightest_ns: int) -> int:
    """How late the load generator may be itself."""
    return max(LEAST_LIMIT_NS, int(tightest_ns * SHARE_OF_LIMIT))


def worst_ns(lateness: Mapping[int, int], vitals: Vitals | None, limit_ns: int) -> int:
    """How late one second's latest timer or probe was, if that second was late by itself; else 0."""
    counts = [seen for seen in (lateness, vitals.lag if vitals is not None else {}) if seen]
    if all(histogram.quantile(_merged([seen]), P99) * 1000 <= limit_ns for seen in counts):
        return 0
    return max(max(seen) for seen in counts) * 1000


def standstill_ns(lateness: Mapping[int, int], vitals: Vitals | None, limit_ns: int) -> int:
    """How long the load generator stood still in one second; 0 where that is not worth the name. Rounded up, so that
    there are few different ones.
    """
    late_ns = worst_ns(lateness, vitals, limit_ns)
    if late_ns < max(STOOD_STILL_NS, limit_ns):
        return 0
    return -(-late_ns // STOOD_STILL_NS) * STOOD_STILL_NS


def around(second: int, late_ns: int) -> range:
    """The seconds whose requests the load generator may have been late with, if it was so late in this one: the line of
    the second in which it stood still is written when it goes on. A line with number k is about the second before it.
    """
    reach = -(-late_ns // SECOND)
    return range(second - 1 - reach, second + 1 + reach)


def held_to(health: Health, thresholds: Iterable[Threshold]) -> Health:
    """The same load generator, for other limits."""
    return msgspec.structs.replace(health, late_limit_ns=late_limit_ns(tightest_ns(thresholds)))


def judge_health(seconds: Sequence[Sampled], tightest_ns: int) -> Health:
    """`tightest_ns`: the shortest time of any limit; 0: none."""
    late = _merged(second.lateness for second in seconds)
    stopped_at_s, stopped_ns = _stopped(seconds, late_limit_ns(tightest_ns))
    seen = [second.vitals for second in seconds if second.vitals is not None]
    lag = _merged(vitals.lag for vitals in seen)
    health = Health(
        late_p99_ns=histogram.quantile(late, P99) * 1000,
        late_limit_ns=late_limit_ns(tightest_ns),
        timers=histogram.count(late),
        cpu_share=sum(second.busiest_ns for second in seconds) / (len(seconds) * SECOND) if seconds else 0.0,
        lag_p99_ns=histogram.quantile(lag, P99) * 1000,
        probes=histogram.count(lag),
        cpu_high_s=_longest_high(seconds),
        machine_busy=_mean([v.machine_busy for v in seen if v.machine_busy is not None]),
        steal=_mean([v.steal for v in seen if v.steal is not None]),
        throttled_s=sum(bool(v.throttles) for v in seen),
        descriptors=max((v.descriptors for v in seen if v.descriptors is not None), default=None),
        descriptors_limit=min((v.descriptors_limit for v in seen if v.descriptors_limit is not None), default=None),
        ports=max((v.ports for v in seen if v.ports is not None), default=None),
        ports_limit=min((v.ports_limit for v in seen if v.ports_limit is not None), default=None),
        dropped=sum(second.errors.get(DROPPED, 0) for second in seconds),
        own_failures=sum(n for second in seconds for kind, n in second.errors.items() if kind in GENERATOR_KINDS),
        workers=max((len(second.workers) for second in seconds), default=0) or 1,
        latest=_latest(seconds),
        stopped_ns=stopped_ns,
        stopped_at_s=stopped_at_s,
    )
    return msgspec.structs.replace(health, remarks=tuple(_remarks(health)))


def _merged(counts: Iterable[Mapping[int, int]]) -> Histogram:
    """The sum of counts by us, as a histogram."""
    merged: Histogram = {}
    for each in counts:
        for us, n in each.items():
            i = histogram.index(us)
            merged[i] = merged.get(i, 0) + n
    return merged


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _latest(seconds: Sequence[Sampled]) -> int:
    worst = Counter(max(s.workers, key=lambda each: each.late_us).worker for s in seconds if len(s.workers) > 1)
    return max(worst, key=lambda worker: worst[worker], default=0)


def _stopped(seconds: Sequence[Sampled], limit_ns: int) -> tuple[int, int]:
    """(second, ns) of the longest standstill that no busy machine makes, where all other seconds were on time."""
    stops = [second for second in seconds if second.latest_ns >= STOPPED_NS]
    others = [second for second in seconds if second.latest_ns < STOPPED_NS]
    lags = (second.vitals.lag for second in others if second.vitals is not None)
    for counts in (_merged(second.lateness for second in others), _merged(lags)):
        if histogram.quantile(counts, P99) * 1000 > limit_ns:
            return 0, 0
    return max(((stop.at_s, stop.latest_ns) for stop in stops), key=lambda stop: stop[1], default=(0, 0))


def _longest_high(seconds: Sequence[Sampled]) -> int:
    longest = run = 0
    for second in seconds:
        run = run + 1 if second.busiest_ns > CPU_HIGH * SECOND else 0
        longest = max(longest, run)
    return longest


def _remarks(health: Health) -> Iterable[str]:
    if health.cpu_high_s >= CPU_HIGH_SECONDS:
        seconds = f"{health.cpu_high_s} s running"
        relief = "run with more --workers, or with fewer users" if health.has_idle_cores else "run with fewer users"
        yield f"the load generator used over {CPU_HIGH:.0%} of a core for {seconds}: {relief}"
    if health.machine_busy is not None and health.machine_busy > MACHINE_HIGH:
        busy = f"{health.machine_busy:.0%}"
        yield f"the load generator's machine was {busy} busy: what shares it slows the service, too"
    if health.steal is not None and health.steal > STEAL_HIGH:
        yield f"the host took {health.steal:.0%} of the CPU away: run on a machine of its own"
    if health.throttled_s:
        yield f"a CPU limit held the load generator back in {health.throttled_s} s: raise the limit of its container"
    if _is_nearly_used_up(health.descriptors, health.descriptors_limit):
        yield f"{health.descriptors} of {health.descriptors_limit} open files in use: raise the limit, ulimit -n"
    if _is_nearly_used_up(health.ports, health.ports_limit):
        used = f"{health.ports} of {health.ports_limit}"
        yield f"{used} local ports in use: keep connections open, or widen the port range"
    if health.own_failures:
        causes = "limits, names, a standstill"
        yield f"{health.own_failures} requests failed by this machine's doing ({causes}): see to it and run again"


def _is_nearly_used_up(used: int | None, limit: int | None) -> bool:
    return bool(used and limit and used > NEARLY_USED_UP * limit)
