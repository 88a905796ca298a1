"""Faults on request: added latency, wrong answers, a stall. All are stated in advance and drawn by request index.

- `--slow suggest=400ms`: every answer of an endpoint comes that much later.
- `--errors 5%`, `--errors suggest=5%`: that share of requests is answered with 500. A named share wins.
- `--stall 5s:2s`: five seconds after the start the service stands still for two seconds. Time does not pass for any
  request during a stall: one that is being worked on, or that comes in meanwhile, goes on when the stall is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from perfspec.base.errors import UsageFailure
from perfspec.base.random import unit
from perfspec.base.units import parse_duration, parse_share

__all__ = ["NO_FAULTS", "Faults", "Stall", "parse_faults"]


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
class Faults:
    slow_ns: dict[str, int] = field(default_factory=dict)
    errors: dict[str, Fraction] = field(default_factory=dict)
    stall: Stall = Stall(0, 0)

    def breaks(self, endpoint: str, chance: int, index: int) -> bool:
        """Whether request number `index` of an endpoint is answered with 500."""
        share = self.errors.get(endpoint)
        return share is not None and unit(chance, index) < share


NO_FAULTS = Faults()


def parse_faults(
    endpoints: Sequence[str], *, slow: Iterable[str] = (), errors: Iterable[str] = (), stall: str | None = None
) -> Faults:
    """Options as text -> faults; raises UsageFailure with one sentence for the first one that is wrong."""
    return Faults(_slow(slow, endpoints), _errors(errors, endpoints), _stall(stall) if stall else Stall(0, 0))


def _slow(texts: Iterable[str], endpoints: Sequence[str]) -> dict[str, int]:
    out = {}
    for text in texts:
        name, _, duration = text.partition("=")
        added_ns = parse_duration(duration)
        if added_ns is None:
            raise UsageFailure(f"`--slow {text}` is not of the form NAME=DURATION, for example `{endpoints[0]}=400ms`")
        out[_known(name, "--slow", endpoints)] = added_ns
    return out


def _errors(texts: Iterable[str], endpoints: Sequence[str]) -> dict[str, Fraction]:
    general: dict[str, Fraction] = {}
    named: dict[str, Fraction] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        share = parse_share(number)
        if share is None or share > 1:
            raise UsageFailure(
                f"`--errors {text}` needs a share from 0% to 100%, for example `5%` or `{endpoints[0]}=5%`"
            )
        if "=" in text:
            named[_known(name, "--errors", endpoints)] = share
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
