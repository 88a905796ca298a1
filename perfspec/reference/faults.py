"""Faults on request. All are stated in advance and drawn by request index, so the same ones come every time.

- `--slow query=400ms`: every answer of an endpoint comes that much later. A distribution may stand there instead of one
  duration: `100ms to 2s` (each equally often) or `around 400ms` (log-normal, sigma 0.5).
- `--errors 5%`, `--errors query=5%`: that share of requests is answered with 500. A named share wins.
- `--resets 1%`: that share of requests is answered by breaking the connection.
- `--wrong-bodies 1%`: that share of answers has the right status and a wrong body: cut off, empty, or no JSON at all.
- `--slow-bodies query=2s`: the head comes in time, the body bit by bit over that time (or over a distribution).
- `--stall 5s:2s`: five seconds after the start the service stands still for two seconds. Time does not pass for any
  request during a stall: one that is being worked on, or that comes in meanwhile, goes on when the stall is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from perfspec.base.errors import UsageFailure
from perfspec.base.units import parse_duration, parse_share
from perfspec.reference.latency import Even, Latency

__all__ = ["NO_FAULTS", "EndpointFaults", "Faults", "Spread", "Stall", "parse_faults"]

Spread = Even | Latency
NEVER = Fraction(0)
_AROUND_SIGMA = 0.5


@dataclass(frozen=True, slots=True)
class Stall:
    """From `after_ns` after the start, nothing happens for `for_ns`."""

    after_ns: int
    for_ns: int

    def covers(self, instant_ns: int) -> bool:
        return self.after_ns <= instant_ns < self.after_ns + self.for_ns

    def end_of_work_ns(self, start_ns: int, work_ns: int) -> int:
        """When work is done that is begun at `start_ns` and takes `work_ns` of unstalled time."""
        if start_ns + work_ns < self.after_ns or start_ns >= self.after_ns + self.for_ns:
            return start_ns + work_ns
        done_before_ns = max(0, self.after_ns - start_ns)
        return self.after_ns + self.for_ns + work_ns - done_before_ns


@dataclass(frozen=True, slots=True)
class EndpointFaults:
    """What befalls the requests of one endpoint."""

    slow: Spread
    slow_body: Spread
    errors: Fraction
    resets: Fraction
    wrong_bodies: Fraction


@dataclass(frozen=True, slots=True)
class Faults:
    """All of them by endpoint, and the stall, which spares none."""

    slow: dict[str, Spread] = field(default_factory=dict)
    slow_bodies: dict[str, Spread] = field(default_factory=dict)
    errors: dict[str, Fraction] = field(default_factory=dict)
    resets: dict[str, Fraction] = field(default_factory=dict)
    wrong_bodies: dict[str, Fraction] = field(default_factory=dict)
    stall: Stall = Stall(0, 0)

    def of(self, endpoint: str) -> EndpointFaults:
        return EndpointFaults(
            self.slow.get(endpoint, Even()),
            self.slow_bodies.get(endpoint, Even()),
            self.errors.get(endpoint, NEVER),
            self.resets.get(endpoint, NEVER),
            self.wrong_bodies.get(endpoint, NEVER),
        )


NO_FAULTS = Faults()


def parse_faults(
    endpoints: Sequence[str],
    *,
    slow: Iterable[str] = (),
    slow_bodies: Iterable[str] = (),
    errors: Iterable[str] = (),
    resets: Iterable[str] = (),
    wrong_bodies: Iterable[str] = (),
    stall: str | None = None,
) -> Faults:
    """Options as text -> faults; raises UsageFailure with one sentence for the first one that is wrong."""
    return Faults(
        _spreads(slow, "--slow", endpoints),
        _spreads(slow_bodies, "--slow-bodies", endpoints),
        _shares(errors, "--errors", endpoints),
        _shares(resets, "--resets", endpoints),
        _shares(wrong_bodies, "--wrong-bodies", endpoints),
        _stall(stall) if stall else Stall(0, 0),
    )


def _spreads(texts: Iterable[str], option: str, endpoints: Sequence[str]) -> dict[str, Spread]:
    out = {}
    for text in texts:
        name, _, duration = text.partition("=")
        spread = _spread(duration.strip())
        if spread is None:
            message = (
                f"`{option} {text}` is not of the form NAME=DURATION, for example `{endpoints[0]}=400ms`, "
                f"`{endpoints[0]}=100ms to 2s` or `{endpoints[0]}=around 400ms`"
            )
            raise UsageFailure(message)
        out[_known(name, option, endpoints)] = spread
    return out


def _spread(text: str) -> Spread | None:
    if text.startswith("around "):
        median_ns = parse_duration(text.removeprefix("around ").strip())
        return None if median_ns is None else Latency(median_ns, _AROUND_SIGMA)
    least, to, most = text.partition(" to ")
    least_ns, most_ns = parse_duration(least.strip()), parse_duration((most if to else least).strip())
    if least_ns is None or most_ns is None or least_ns > most_ns:
        return None
    return Even(least_ns, most_ns)


def _shares(texts: Iterable[str], option: str, endpoints: Sequence[str]) -> dict[str, Fraction]:
    general: dict[str, Fraction] = {}
    named: dict[str, Fraction] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        share = parse_share(number)
        if share is None or share > 1:
            raise UsageFailure(
                f"`{option} {text}` needs a share from 0% to 100%, for example `5%` or `{endpoints[0]}=5%`"
            )
        if "=" in text:
            named[_known(name, option, endpoints)] = share
        else:
            general = dict.fromkeys(endpoints, share)
    return general | named


def _stall(text: str) -> Stall:
    after, _, length = text.partition(":")
    after_ns, for_ns = parse_duration(after), parse_duration(length)
    if after_ns is None or for_ns is None:
        raise UsageFailure(f"`--stall {text}` is not of the form AFTER:FOR, for example `5s:2s`")
    return Stall(after_ns, for_ns)


def _known(name: str, option: str, endpoints: Sequence[str]) -> str:
    if name not in endpoints:
        raise UsageFailure(f"`{option}` knows no endpoint `{name}`; there are {', '.join(endpoints)}")
    return name
