"""The universal scalability law: its vector, what noise leaves of it, and when nothing is said."""

import math
import random

import msgspec
import pytest

from perfspec.verdict.capacity import Step
from perfspec.verdict.scalability import Scalability, fit, points

S = 1_000_000_000
LAW = Scalability(20, 0.03, 0.0002)


def measured(levels, noise=0.0, seed=1, law=LAW):
    draw = random.Random(seed)
    return [(n, law.at(n) * math.exp(draw.gauss(0, noise))) for n in levels]


@pytest.mark.parametrize(("users", "per_s"), [(1, 20), (16, 213.61816), (64, 346.28287)])
def test_the_vector(users, per_s) -> None:
    assert LAW.at(users) == pytest.approx(per_s, abs=1e-5)


def test_the_peak_of_the_vector() -> None:
    assert LAW.peak_users == pytest.approx(69.6419, abs=1e-4)
    assert LAW.peak_per_s == pytest.approx(346.8803, abs=1e-4)


@pytest.mark.parametrize("levels", [(1, 5, 10, 25, 50, 100), (1, 5, 10, 20, 50, 100, 200, 300)])
def test_what_follows_the_law_gives_its_numbers_back(levels) -> None:
    found = fit(measured(levels))
    assert found is not None
    assert found.alone_per_s == pytest.approx(20)
    assert (found.contention, found.crosstalk) == pytest.approx((0.03, 0.0002))


@pytest.mark.parametrize(
    ("levels", "low", "high"),
    [
        ((1, 5, 10, 25, 50, 100), 60, 86),
        ((1, 5, 10, 25, 50, 100, 200, 300), 67, 73),
        ((50, 100, 150, 200, 250, 300), 53, 80),
    ],
)
def test_how_far_the_peak_is_known_with_three_percent_of_noise(levels, low, high) -> None:
    """The middle 90 % of a thousand fits, section 7."""
    fits = [fit(measured(levels, 0.03, seed)) for seed in range(1000)]
    known = sorted(found.peak_users for found in fits if found is not None)
    assert len(known) > 950
    middle = known[len(known) // 20], known[-len(known) // 20]
    print(f"{levels}: peak {middle[0]:.0f}-{middle[1]:.0f} users, {len(known) / 10:.0f} % fitted")
    assert middle[0] == pytest.approx(low, abs=4)
    assert middle[1] == pytest.approx(high, abs=5)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="nothing"),
        pytest.param(measured((1, 5, 10, 100, 200)), id="five loads"),
        pytest.param(measured((1, 1, 5, 5, 10, 100)), id="six steps of four loads"),
        pytest.param(measured((1, 5, 10, 20, 40, 60)), id="all below the peak"),
        pytest.param(measured((80, 100, 150, 200, 250, 300)), id="all above the peak"),
        pytest.param([(n, 20.0 * n) for n in (1, 5, 10, 25, 50, 100)], id="no peak at all"),
        pytest.param([(n, 20.0) for n in (1, 5, 10, 25, 50, 100)], id="one clerk: flat, and no peak"),
        pytest.param([(n, 0.0) for n in (1, 5, 10, 25, 50, 100)], id="nobody was served"),
    ],
)
def test_where_the_loads_do_not_tell_nothing_is_said(found) -> None:
    assert fit(found) is None


def step(load, start, judged, end):
    return Step(f"{load} users", "growing", start * S, judged * S, end * S, True, "", ())


def test_points_are_what_was_served_in_the_judged_time_of_each_load(piece) -> None:
    steps = [step(5, 0, 2, 8), step(7, 9, 11, 17), step(5, 18, 20, 26)]
    seconds = [
        (number, 5 if number < 10 or number > 18 else 7, [piece("a", 30, second=number - 1, errors={"reset": 10})])
        for number in range(1, 27)
    ]
    late = [(26, 5, [piece("a", 12, second=21), piece("a", 99, second=21, timer="round"), piece("a", 9, part="setup")])]
    assert points(steps, seconds + late) == [(5, 21.0), (7, 20.0)]


@pytest.mark.parametrize(
    ("beyond", "is_point"), [("", True), ("service", True), ("generator", False), ("ceiling", False)]
)
def test_what_was_not_the_services_limit_is_no_point(piece, beyond, is_point) -> None:
    """And two users who are still there from the load before are none of the five that were held."""
    held = msgspec.structs.replace(step(5, 0, 2, 8), beyond=beyond, met=not beyond, users=5)
    seconds = [(number, 7, [piece("a", 20, second=number - 1)]) for number in range(1, 9)]
    assert points([held], seconds) == ([(5, 20.0)] if is_point else [])
