"""Do likely ranges hold the truth, and does nobody get stopped who keeps a limit? By simulation, against known truths.

    python benchmarks/coverage.py [--runs 250]

Five kinds of traffic at 100 requests a second, each with a known share of bad requests:
    independent   each request is bad by itself
    queue 50/80/90   M/M/1 at that load; bad is slower than the limit that the wanted share is slower than
    pauses        the service stands still at random, for 0.27 s on average
    drift         the share itself wanders with a memory of 20 s
Printed are the coverage of the range of a p95 over ten minutes (independent requests assumed, and with the design
effect of ten windows), how often a service exactly at its limit is called clearly good or clearly bad, and how often a
run of five minutes is ended early, at 4 % bad where 5 % are allowed and at 15 %. Needs numpy.
"""

import argparse
import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from perfspec.base.clock import SECOND
from perfspec.verdict.bounds import lower_bound, upper_bound
from perfspec.verdict.dependence import design_effect
from perfspec.verdict.evidence import Gathered

RATE = 100
LIMIT = Fraction(1, 20)
WINDOWS = 10
ALPHA = 0.01
Seconds = tuple[np.ndarray, np.ndarray]
"""(bad, n) of each second."""
Model = Callable[[np.random.Generator, int, float], Seconds]


def _by_second(at: np.ndarray, bad: np.ndarray, seconds: int) -> Seconds:
    inside = (at >= 0) & (at < seconds)
    place = at[inside].astype(int)
    return np.bincount(place, bad[inside], seconds).astype(int), np.bincount(place, minlength=seconds)


def independent(draw: np.random.Generator, seconds: int, share: float) -> Seconds:
    n = np.full(seconds, RATE)
    return draw.binomial(n, share), n


def queue(load: float) -> Model:
    def model(draw: np.random.Generator, seconds: int, share: float) -> Seconds:
        service_rate = RATE / load
        settle = 60
        count = int((seconds + settle) * RATE * 1.2)
        gaps = draw.exponential(1 / RATE, count)
        work = draw.exponential(1 / service_rate, count)
        walk = np.concatenate(([0.0], np.cumsum(work[:-1] - gaps[1:])))
        wait = walk - np.minimum.accumulate(walk)  # Lindley
        limit = -math.log(share) / (service_rate - RATE)
        return _by_second(np.cumsum(gaps) - settle, wait + work > limit, seconds)

    return model


def pauses(draw: np.random.Generator, seconds: int, share: float) -> Seconds:
    pause = 0.27
    count = int(seconds / (pause / share) * 2) + 20
    off = draw.exponential(pause, count)
    on = draw.exponential(pause * (1 - share) / share, count)
    edges = np.cumsum(np.column_stack((on, off)).ravel()) - 5
    at = np.sort(draw.uniform(0, seconds, draw.poisson(seconds * RATE)))
    return _by_second(at, np.searchsorted(edges, at) % 2 == 1, seconds)


def drift(draw: np.random.Generator, seconds: int, share: float) -> Seconds:
    memory, spread = 20.0, 0.45
    keep = math.exp(-1 / memory)
    steps = draw.normal(0, spread * math.sqrt(1 - keep**2), seconds)
    level = draw.normal(0, spread)
    levels = np.empty(seconds)
    for second in range(seconds):
        levels[second] = level = level * keep + steps[second]
    n = np.full(seconds, RATE)
    return draw.binomial(n, np.clip(share * np.exp(levels - spread**2 / 2), 0, 1)), n


MODELS: dict[str, Model] = {
    "independent": independent,
    "queue 50 %": queue(0.5),
    "queue 80 %": queue(0.8),
    "queue 90 %": queue(0.9),
    "pauses": pauses,
    "drift": drift,
}


class Covered(NamedTuple):
    """Shares of runs."""

    naive: float
    covered: float
    deff: float
    """The median of what was estimated."""
    clear_pass: float
    clear_fail: float
    naive_clear_pass: float
    naive_clear_fail: float


def _effective(bad: np.ndarray, n: np.ndarray) -> tuple[float, float, float]:
    """(k_e, n_e, deff) by ten equal windows."""
    windows = [
        (int(k), int(m)) for k, m in zip(bad.reshape(WINDOWS, -1).sum(1), n.reshape(WINDOWS, -1).sum(1), strict=True)
    ]
    effect = design_effect([windows])
    return (float(bad.sum()), float(n.sum()), 1.0) if effect is None else (effect.bad, effect.n, effect.deff)


def coverage(model: Model, runs: int, seed: int = 1, seconds: int = 600) -> Covered:
    """Ten minutes of a service whose p95 is exactly the limit."""
    share, counts, deffs = float(LIMIT), np.zeros(6), []
    for run in range(runs):
        bad, n = model(np.random.default_rng((seed, run)), seconds, share)
        k_e, n_e, deff = _effective(bad, n)
        deffs.append(deff)
        for place, (k, m) in enumerate(((int(bad.sum()), int(n.sum())), (k_e, n_e))):
            counts[place] += lower_bound(k, m, 0.975) <= share <= upper_bound(k, m, 0.975)
            counts[2 + 2 * place] += upper_bound(k, m) <= share
            counts[3 + 2 * place] += lower_bound(k, m) > share
    naive, covered, naive_pass, naive_fail, clear_pass, clear_fail = counts / runs
    return Covered(naive, covered, float(np.median(deffs)), clear_pass, clear_fail, naive_pass, naive_fail)


class Ended(NamedTuple):
    """Shares of runs, and when half of those that were ended had been."""

    naive: float
    ended: float
    after_s: float


def ended_early(model: Model, share: float, runs: int, seed: int = 2, seconds: int = 300) -> Ended:
    """Looked at every two seconds: a plain check of the point so far, and the evidence."""
    naive, when = 0, []
    for run in range(runs):
        bad, n = model(np.random.default_rng((seed, run)), seconds, share)
        sums, totals = np.cumsum(bad), np.cumsum(n)
        naive += bool((sums[1::2] > LIMIT * totals[1::2]).any())
        gathered = Gathered(LIMIT, ((0, seconds * SECOND),), alpha=ALPHA)
        for second in range(seconds):
            gathered.add(second, int(bad[second]), int(n[second]))
            if second % 2 and gathered.is_enough(second + 1):
                when.append(second + 1)
                break
    return Ended(naive / runs, len(when) / runs, float(np.median(when)) if when else math.nan)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=250)
    runs = parser.parse_args().runs
    print(f"the range of a p95 over ten minutes at {RATE}/s, {runs} runs: how often it holds the truth (95 % wanted)")
    print(
        f"{'':14}{'independent':>13}{'ten windows':>13}{'deff':>8}{'clear pass':>12}{'clear fail':>12}   at the limit"
    )
    for name, model in MODELS.items():
        found = coverage(model, runs)
        print(
            f"{name:14}{found.naive:13.2f}{found.covered:13.2f}{found.deff:8.1f}{found.clear_pass:12.3f}"
            f"{found.clear_fail:12.3f}   (independent {found.naive_clear_pass:.2f} / {found.naive_clear_fail:.2f})"
        )
    print(f"\nended early within five minutes, 5 % allowed, alpha {ALPHA}")
    print(f"{'':14}{'point, 4 %':>13}{'evidence, 4 %':>15}{'evidence, 15 %':>16}{'after':>9}")
    for name, model in MODELS.items():
        keeps, breaks = ended_early(model, 0.04, runs), ended_early(model, 0.15, max(20, runs // 5))
        print(f"{name:14}{keeps.naive:13.2f}{keeps.ended:15.3f}{breaks.ended:16.2f}{breaks.after_s:7.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
