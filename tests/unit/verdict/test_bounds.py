"""The exact statistics of verdicts, against published vectors, exact rational arithmetic and their own duality."""

import math
from bisect import bisect_right
from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.verdict import bounds
from perfspec.verdict.bounds import (
    allowed_bad,
    beta_cdf,
    beta_inverse,
    lower_bound,
    n_min,
    nearest_rank,
    quantile_ranks,
    upper_bound,
)

SOME = settings(derandomize=True, max_examples=150, deadline=None)
TWO_SIDED = 0.975
"""The confidence per side of a two-sided 95 % range."""

SHARES = st.builds(Fraction, st.integers(1, 999), st.just(1000))
QUANTILES = st.sampled_from([Fraction(text) for text in ("0.5", "0.75", "0.9", "0.95", "0.99", "0.995", "0.999")])
CONFIDENCES = st.sampled_from([0.9, 0.95, TWO_SIDED, 0.99])


def share(text: str) -> Fraction:
    return Fraction(text.removesuffix("%")) / 100


def proven_pass_at_most(n: int, allowed: Fraction, confidence: float = 0.95) -> int | None:
    """The largest k with `upper_bound(k, n) <= allowed`; None if even 0 bad of n proves nothing."""
    found = bisect_right(range(n + 1), allowed, key=lambda k: Fraction(upper_bound(k, n, confidence)))
    return found - 1 if found else None


def clear_fail_at_least(n: int, allowed: Fraction, confidence: float = 0.95) -> int | None:
    """The smallest k with `lower_bound(k, n) > allowed`; None if even n bad of n are no clear failure."""
    found = bisect_right(range(n + 1), allowed, key=lambda k: Fraction(lower_bound(k, n, confidence)))
    return found if found <= n else None


def exact_binomial_cdf(k: int, n: int, p: Fraction) -> Fraction:
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


class TestBeta:
    @pytest.mark.parametrize(
        ("x", "a", "b", "expected"),
        [
            pytest.param(0.3, 1, 1, 0.3, id="Beta(1, 1) is the uniform distribution"),
            pytest.param(0.3, 2, 1, 0.09, id="Beta(a, 1) is a power of x"),
            pytest.param(1e-6, 1, 1e6, -math.expm1(1e6 * math.log1p(-1e-6)), id="Beta(1, b) is a power of 1-x"),
            pytest.param(0.5, 2.5, 2.5, 0.5, id="a symmetric one is halved in the middle"),
            pytest.param(0.25, 0.5, 0.5, 1 / 3, id="Beta(1/2, 1/2) is the arcsine distribution"),
            pytest.param(0.5, 1e8, 1e8, 0.5, id="and so for two hundred million requests"),
            pytest.param(0.0, 2, 3, 0.0, id="nothing lies at or below 0"),
            pytest.param(-1.0, 2, 3, 0.0, id="nor below that"),
            pytest.param(1.0, 2, 3, 1.0, id="everything lies at or below 1"),
            pytest.param(7.0, 2, 3, 1.0, id="and below more than 1"),
            pytest.param(1e-9, 1e6, 1e6, 0.0, id="a hopeless tail is 0, not an error"),
        ],
    )
    def test_known_values(self, x: float, a: float, b: float, expected: float) -> None:
        assert beta_cdf(x, a, b) == pytest.approx(expected, rel=2e-15, abs=1e-300)

    @pytest.mark.parametrize(
        ("x", "a", "b", "expected"),
        [
            (0.05, 50_001, 950_000, 0.49881019577187656),
            (0.0501, 50_001, 950_000, 0.67564711545020271),
            (0.5005, 500_000.5, 500_000.5, 0.84134486705390881),
            (3e-6, 3, 999_998, 0.57681025493640009),
            (0.00045, 450.25, 999_550.5, 0.50156756674397147),
            (1e-9, 1, 3e9, 0.95021293170681667),
        ],
        ids=lambda value: f"{value}",
    )
    def test_keeps_its_digits_for_millions_of_requests(self, x: float, a: float, b: float, expected: float) -> None:
        # Expected: the density integrated numerically with 50 digits.
        assert beta_cdf(x, a, b) == pytest.approx(expected, rel=5e-14)

    @SOME
    @given(n=st.integers(1, 120), data=st.data(), p=SHARES)
    def test_is_the_binomial_tail_in_exact_fractions(self, n: int, data: st.DataObject, p: Fraction) -> None:
        k = data.draw(st.integers(0, n - 1))
        tail = float(1 - exact_binomial_cdf(k, n, Fraction(float(p))))
        assert beta_cdf(float(p), k + 1, n - k) == pytest.approx(tail, rel=1e-12, abs=1e-15)

    @SOME
    @given(p=st.floats(1e-9, 1 - 1e-9), a=st.floats(0.5, 1e6), b=st.floats(0.5, 1e6))
    def test_inverse_undoes_the_distribution(self, p: float, a: float, b: float) -> None:
        x = beta_inverse(p, a, b)
        # No float nearer than x exists: its two neighbours enclose p, but for the rounding of the function itself.
        slack = 1e-13
        assert beta_cdf(math.nextafter(x, 0), a, b) - slack <= p <= beta_cdf(math.nextafter(x, 1), a, b) + slack

    @pytest.mark.parametrize(("p", "expected"), [(0, 0.0), (1, 1.0)])
    def test_inverse_at_the_ends(self, p: float, expected: float) -> None:
        assert beta_inverse(p, 3, 4) == expected

    @pytest.mark.parametrize("a", [1e-3, 1e-9, 1e-300])
    def test_inverse_that_no_float_can_hold_is_as_good_as_zero(self, a: float) -> None:
        assert 0 <= beta_inverse(0.05, a, 10) < 1e-50

    def test_inverse_ends_where_floats_end(self) -> None:
        assert beta_inverse(0.95, 3, 1e-3) == pytest.approx(1, abs=1e-15)

    @pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 1), (1, math.nan), (math.inf, 1)])
    def test_refuses_parameters_that_are_not_positive(self, a: float, b: float) -> None:
        with pytest.raises(ValueError, match="two positive parameters"):
            beta_cdf(0.5, a, b)
        with pytest.raises(ValueError, match="two positive parameters"):
            beta_inverse(0.5, a, b)

    def test_a_fraction_that_does_not_settle_is_an_error_not_a_wrong_answer(self) -> None:
        with pytest.raises(ArithmeticError, match="did not settle"):
            bounds._beta_fraction(math.nan, math.nan, 1, 1)

    def test_refuses_what_is_no_number(self) -> None:
        with pytest.raises(ValueError, match="no number"):
            beta_cdf(math.nan, 1, 1)

    @pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
    def test_inverse_refuses_what_is_no_probability(self, p: float) -> None:
        with pytest.raises(ValueError, match="a probability lies in 0 to 1"):
            beta_inverse(p, 1, 1)


class TestBounds:
    @pytest.mark.parametrize(
        ("bad", "total", "one_sided", "two_sided"),
        [
            (0, 10, (0.000000, 0.258866), (0.000000, 0.308497)),
            (0, 59, (0.000000, 0.049508), (0.000000, 0.060609)),
            (0, 299, (0.000000, 0.009969), (0.000000, 0.012262)),
            (0, 2995, (0.000000, 0.001000), (0.000000, 0.001231)),
            (1, 100, (0.000513, 0.046560), (0.000253, 0.054459)),
            (5, 100, (0.019906, 0.102253), (0.016432, 0.112835)),
            (3, 600, (0.001364, 0.012872), (0.001032, 0.014542)),
            (10, 1000, (0.005435, 0.016903), (0.004806, 0.018313)),
            (50, 1000, (0.039164, 0.062863), (0.037335, 0.065390)),
            (450, 100_000, (0.004158, 0.004864), (0.004095, 0.004935)),
            (4800, 100_000, (0.046893, 0.049127), (0.046683, 0.049343)),
            (100, 100, (0.970487, 1.000000), (0.963783, 1.000000)),
        ],
        ids=lambda value: f"{value}",
    )
    def test_vectors_to_six_digits(
        self, bad: int, total: int, one_sided: tuple[float, float], two_sided: tuple[float, float]
    ) -> None:
        for confidence, expected in ((0.95, one_sided), (TWO_SIDED, two_sided)):
            got = lower_bound(bad, total, confidence), upper_bound(bad, total, confidence)
            assert tuple(round(x, 6) for x in got) == expected

    @pytest.mark.parametrize(
        ("bad", "total", "lower", "upper"),
        [
            pytest.param(6.896800, 137.936, 0.023537, 0.092265, id="6.9 bad of 137.936 effective requests"),
            pytest.param(40.332200, 806.644, 0.038003, 0.064524, id="40.3 bad of 806.644 effective requests"),
            pytest.param(455.458045, 8815.317, 0.047842, 0.055712, id="455.5 bad of 8815.317 effective requests"),
        ],
    )
    def test_counts_may_be_real_numbers(self, bad: float, total: float, lower: float, upper: float) -> None:
        assert lower_bound(bad, total) == pytest.approx(lower, abs=6e-7)
        assert upper_bound(bad, total) == pytest.approx(upper, abs=6e-7)

    @pytest.mark.parametrize("total", [1, 7.5, 59, 926_065])
    def test_none_bad_and_all_bad_have_a_closed_form(self, total: float) -> None:
        best_case = -math.expm1(math.log(0.05) / total)
        assert upper_bound(0, total) == pytest.approx(best_case, rel=1e-13)
        assert lower_bound(total, total) == pytest.approx(1 - best_case, rel=1e-13)

    def test_no_request_at_all_says_nothing(self) -> None:
        assert (lower_bound(0, 0), upper_bound(0, 0)) == (0.0, 1.0)

    @SOME
    @given(total=st.integers(1, 100_000), data=st.data(), confidence=CONFIDENCES)
    def test_enclose_the_observed_share_and_mirror_each_other(
        self, total: int, data: st.DataObject, confidence: float
    ) -> None:
        bad = data.draw(st.integers(0, total))
        lower, upper = lower_bound(bad, total, confidence), upper_bound(bad, total, confidence)
        assert 0 <= lower <= bad / total <= upper <= 1
        assert lower == pytest.approx(1 - upper_bound(total - bad, total, confidence), abs=1e-13)

    @SOME
    @given(total=st.integers(2, 100_000), data=st.data())
    def test_rise_with_the_bad_fall_with_the_good_and_widen_with_confidence(
        self, total: int, data: st.DataObject
    ) -> None:
        bad = data.draw(st.integers(1, total - 1))
        for bound in (lower_bound, upper_bound):
            assert bound(bad - 1, total) < bound(bad, total)
            assert bound(bad, total + 1) < bound(bad, total)
        assert lower_bound(bad, total, 0.99) < lower_bound(bad, total, 0.9)
        assert upper_bound(bad, total, 0.9) < upper_bound(bad, total, 0.99)

    @pytest.mark.parametrize(("bad", "total"), [(-1, 10), (11, 10), (math.nan, 10), (0, math.nan), (0, math.inf)])
    def test_refuse_impossible_counts(self, bad: float, total: float) -> None:
        for bound in (lower_bound, upper_bound):
            with pytest.raises(ValueError, match="counted among all requests"):
                bound(bad, total)

    @pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
    def test_refuse_impossible_confidence(self, confidence: float) -> None:
        for bound in (lower_bound, upper_bound):
            with pytest.raises(ValueError, match="a confidence lies between 0 and 1"):
                bound(1, 10, confidence)


class TestPoint:
    @pytest.mark.parametrize(
        ("q", "n", "rank"),
        [
            ("0.95", 58, 56),
            ("0.95", 59, 57),
            ("0.95", 100, 95),
            ("0.95", 200, 190),
            ("0.95", 300, 285),
            ("0.95", 1000, 950),
            ("0.95", 10_000, 9500),
            ("0.99", 1000, 990),
            ("0.999", 10_000, 9990),
            ("0.07", 100, 7),
            ("0", 10, 1),
            ("1", 10, 10),
            ("0.95", 10, 10),
            ("0.5", 1, 1),
        ],
        ids=lambda value: f"{value}",
    )
    def test_the_q_quantile_of_n_values_is_the_value_of_this_rank(self, q: str, n: int, rank: int) -> None:
        assert nearest_rank(Fraction(q), n) == rank

    def test_no_value_has_no_quantile(self) -> None:
        with pytest.raises(ValueError, match="at least one value"):
            nearest_rank(Fraction(1, 2), 0)

    @pytest.mark.parametrize(
        ("allowed", "n", "at_most", "below"),
        [
            pytest.param("0.5%", 600, 3, 2, id="3 of 600 are exactly 0.5 %: fine for <=, too many for <"),
            pytest.param("0.5%", 599, 2, 2, id="of 599, 3 are more than 0.5 % either way"),
            pytest.param("0.5%", 601, 3, 3, id="of 601, 3 are less than 0.5 % either way"),
            pytest.param("0.5%", 60_000, 300, 299, id="60 000 requests, 299 allowed below 0.5 %"),
            pytest.param("7%", 100, 7, 6, id="7 % of 100, which is more than 7 in floats"),
            pytest.param("5%", 10, 0, 0, id="half a request is none"),
            pytest.param("0%", 10, 0, -1, id="not even 0 bad are below 0 %"),
            pytest.param("100%", 10, 10, 9, id="100 % allow all, less than 100 % all but one"),
            pytest.param("100%", 0, -1, -1, id="without a request nothing is met"),
            pytest.param("5%", 0, -1, -1, id="whatever is allowed"),
        ],
    )
    def test_allowed_bad(self, allowed: str, n: int, at_most: int, below: int) -> None:
        assert allowed_bad(share(allowed), n, strict=False) == at_most
        assert allowed_bad(share(allowed), n, strict=True) == below

    @SOME
    @given(n=st.integers(1, 10**9), of=st.integers(1, 10**6), data=st.data())
    def test_allowed_bad_is_the_largest_count_that_meets_the_share(self, n: int, of: int, data: st.DataObject) -> None:
        limit = Fraction(data.draw(st.integers(0, of)), of)
        k = allowed_bad(limit, n, strict=False)
        assert k * limit.denominator <= limit.numerator * n < (k + 1) * limit.denominator
        k = allowed_bad(limit, n, strict=True)
        assert k * limit.denominator < limit.numerator * n <= (k + 1) * limit.denominator

    @SOME
    @given(values=st.lists(st.integers(0, 12), min_size=1, max_size=60), q=QUANTILES, limit=st.integers(0, 12))
    def test_the_percentile_keeps_its_limit_iff_few_enough_are_over_it(
        self, values: list[int], q: Fraction, limit: int
    ) -> None:
        n = len(values)
        percentile = sorted(values)[nearest_rank(q, n) - 1]
        over = sum(value > limit for value in values)
        assert (percentile <= limit) == (over <= n - math.ceil(q * n)) == (over <= allowed_bad(1 - q, n, strict=False))

    def test_refuse_what_is_no_share_and_no_count(self) -> None:
        with pytest.raises(ValueError, match="a share lies in 0 to 1, got 5"):
            allowed_bad(Fraction(5), 10, strict=False)
        with pytest.raises(ValueError, match="a share lies in 0 to 1, got 95"):
            nearest_rank(Fraction(95), 10)
        with pytest.raises(ValueError, match="not negative"):
            allowed_bad(Fraction(1, 2), -1, strict=False)


class TestProof:
    @pytest.mark.parametrize(
        ("q", "at_90", "at_95", "at_99"),
        [
            ("0.5", 4, 5, 7),
            ("0.9", 22, 29, 44),
            ("0.95", 45, 59, 90),
            ("0.99", 230, 299, 459),
            ("0.995", 460, 598, 919),
            ("0.999", 2302, 2995, 4603),
            ("0.9999", 23_025, 29_956, 46_050),
        ],
    )
    def test_requests_that_prove_a_quantile(self, q: str, at_90: int, at_95: int, at_99: int) -> None:
        bad_share = 1 - Fraction(q)
        assert [n_min(bad_share, confidence) for confidence in (0.9, 0.95, 0.99)] == [at_90, at_95, at_99]

    @pytest.mark.parametrize(
        ("allowed", "confidence", "needed"),
        [
            pytest.param("0%", 0.95, None, id="no number of requests proves that errors never happen"),
            pytest.param("100%", 0.95, 0, id="what is always true needs no request"),
            pytest.param("99%", 0.95, 1, id="one good request refutes 99 % bad"),
            pytest.param("95%", 0.95, 1, id="and 95 %, on the edge"),
            pytest.param("50%", 0.75, 2, id="two tosses of a coin are exactly 75 %"),
            pytest.param("50%", 0.875, 3, id="three are exactly 87.5 %"),
            pytest.param("80%", 0.8, 1, id="one of four in five is exactly 80 %, though not in floats"),
            pytest.param("25%", 0.578125, 3, id="three of one in four are exactly 57.8125 %, though not in floats"),
            pytest.param("90%", 0.999, 3, id="three of nine in ten are exactly 99.9 %"),
            pytest.param("0.0001%", 0.95, 2_995_731, id="one in a million takes three million"),
        ],
    )
    def test_requests_to_prove_at_the_edges(self, allowed: str, confidence: float, needed: int | None) -> None:
        assert n_min(share(allowed), confidence) == needed

    @SOME
    @given(allowed=SHARES.filter(lambda s: s < Fraction(1, 2)), confidence=CONFIDENCES)
    def test_n_min_is_where_a_pass_without_bad_ones_becomes_proven(self, allowed: Fraction, confidence: float) -> None:
        n = n_min(allowed, confidence)
        assert n is not None
        assert proven_pass_at_most(n, allowed, confidence) == 0
        assert proven_pass_at_most(n - 1, allowed, confidence) is None

    @pytest.mark.parametrize(
        ("q", "needed"),
        [
            ("0.95", [59, 93, 124, 153, 181, 208]),
            ("0.99", [299, 473, 628, 773, 913, 1049]),
            ("0.995", [598, 947, 1258, 1549, 1829, 2100]),
            ("0.999", [2995, 4742, 6294, 7752, 9151, 10_511]),
        ],
    )
    def test_so_many_requests_prove_a_quantile_with_0_to_5_bad(self, q: str, needed: list[int]) -> None:
        bad_share = 1 - Fraction(q)
        assert [proven_pass_at_most(n, bad_share) for n in needed] == [0, 1, 2, 3, 4, 5]
        assert [proven_pass_at_most(n - 1, bad_share) for n in needed] == [None, 0, 1, 2, 3, 4]

    @pytest.mark.parametrize(
        ("n", "allowed", "proven", "failed"),
        [
            (58, "5%", None, 7),
            (59, "5%", 0, 7),
            (100, "5%", 1, 10),
            (200, "5%", 4, 16),
            (300, "5%", 8, 22),
            (1000, "5%", 38, 63),
            (10_000, "5%", 463, 537),
            (1000, "1%", 4, 16),
            (10_000, "0.1%", 4, 16),
            (100, "1%", None, 4),
            (300, "1%", 0, 7),
            (60_000, "0.5%", 271, 330),
            (60_000, "0.1%", 47, 74),
            (60_000, "5%", 2911, 3089),
            (0, "5%", None, None),
            (0, "100%", 0, None),
            (10, "100%", 10, None),
            (10, "0%", None, 1),
            (1, "96%", 0, None),
        ],
        ids=lambda value: f"{value}",
    )
    def test_of_n_requests_k_bad_prove_a_pass_and_k_bad_are_a_clear_fail(
        self, n: int, allowed: str, proven: int | None, failed: int | None
    ) -> None:
        assert proven_pass_at_most(n, share(allowed)) == proven
        assert clear_fail_at_least(n, share(allowed)) == failed

    @pytest.mark.parametrize(
        ("allowed", "of_it", "needed"),
        [
            *(("5%", of_it, n) for of_it, n in (("50%", 410), ("80%", 2800), ("90%", 11_500))),
            *(("1%", of_it, n) for of_it, n in (("50%", 2200), ("80%", 14_500), ("90%", 60_000))),
            *(("0.5%", of_it, n) for of_it, n in (("50%", 4400), ("80%", 29_000), ("90%", 120_000))),
            *(("0.1%", of_it, n) for of_it, n in (("50%", 22_000), ("80%", 146_000), ("90%", 605_000))),
        ],
    )
    def test_so_many_requests_prove_a_pass_in_four_of_five_runs(self, allowed: str, of_it: str, needed: int) -> None:
        """Of a service that uses so much of what is allowed. The chance is a saw, and the numbers are rounded."""
        limit = share(allowed)

        def chance(n: int) -> float:
            k = proven_pass_at_most(n, limit)
            assert k is not None
            return 1 - beta_cdf(float(limit * share(of_it)), k + 1, n - k)

        assert 0.78 <= chance(needed) <= 0.86
        assert chance(needed * 3 // 4) < 0.76

    def test_one_in_a_billion_is_counted_to_the_request(self) -> None:
        billionth = Fraction(1, 10**9)
        n = n_min(billionth)
        assert n == 2_995_732_273
        assert (proven_pass_at_most(n, billionth), proven_pass_at_most(n - 1, billionth)) == (0, None)

    def test_a_bound_exactly_on_the_share_proves_a_pass_and_is_no_clear_fail(self) -> None:
        half = Fraction(1, 2)
        assert lower_bound(1, 1, 0.5) == upper_bound(0, 1, 0.5) == half
        assert proven_pass_at_most(1, half, 0.5) == 0
        assert clear_fail_at_least(1, half, 0.5) is None
        assert quantile_ranks(1, half, 0.5) == (1, 1)

    @SOME
    @given(n=st.integers(1, 20_000), allowed=SHARES)
    def test_a_proof_is_stricter_than_the_point_and_a_clear_fail_too(self, n: int, allowed: Fraction) -> None:
        proven, failed = proven_pass_at_most(n, allowed), clear_fail_at_least(n, allowed)
        point = allowed_bad(allowed, n, strict=False)
        assert (-1 if proven is None else proven) <= point < (n + 1 if failed is None else failed)

    def test_refuse_what_is_no_share_no_count_and_no_confidence(self) -> None:
        with pytest.raises(ValueError, match="a share lies in 0 to 1"):
            quantile_ranks(10, Fraction(-1))
        with pytest.raises(ValueError, match="not negative"):
            quantile_ranks(-1, Fraction(1, 2))
        with pytest.raises(ValueError, match="a confidence lies between"):
            quantile_ranks(1, Fraction(1, 2), 95)

    def test_n_min_refuses_what_is_no_share_and_no_confidence(self) -> None:
        with pytest.raises(ValueError, match="a share lies in 0 to 1"):
            n_min(Fraction(5))
        with pytest.raises(ValueError, match="a confidence lies between"):
            n_min(Fraction(1, 2), 95)


class TestQuantileRanks:
    @pytest.mark.parametrize(
        ("n", "q", "lower", "upper"),
        [
            (58, "0.95", 52, None),
            (59, "0.95", 53, 59),
            (100, "0.95", 91, 99),
            (200, "0.95", 185, 196),
            (300, "0.95", 279, 292),
            (1000, "0.95", 938, 962),
            (10_000, "0.95", 9464, 9537),
            (1000, "0.99", 985, 996),
            (10_000, "0.999", 9985, 9996),
            (4, "0.5", None, None),
            (0, "0.5", None, None),
        ],
        ids=lambda value: f"{value}",
    )
    def test_the_quantile_lies_between_these_two_of_n_values(
        self, n: int, q: str, lower: int | None, upper: int | None
    ) -> None:
        assert quantile_ranks(n, Fraction(q)) == (lower, upper)

    @pytest.mark.parametrize(
        ("n", "q", "lower", "upper", "coverage"),
        [
            (100, "0.95", 90, 100, 0.9826),
            (200, "0.95", 184, 197, 0.9672),
            (1000, "0.95", 936, 964, 0.9581),
            (10_000, "0.95", 9457, 9543, 0.9515),
            (1000, "0.99", 983, 997, 0.9761),
            (10_000, "0.999", 9983, 9997, 0.9755),
        ],
        ids=lambda value: f"{value}",
    )
    def test_two_sided_ranks_cover_the_quantile_this_often(
        self, n: int, q: str, lower: int, upper: int, coverage: float
    ) -> None:
        assert quantile_ranks(n, Fraction(q), TWO_SIDED) == (lower, upper)
        bad_share = float(1 - Fraction(q))
        covered = beta_cdf(bad_share, n - upper + 1, upper) - beta_cdf(bad_share, n - lower + 1, lower)
        assert abs(covered) == pytest.approx(coverage, abs=6e-5)

    def test_two_sided_range_of_59_values_has_no_upper_end(self) -> None:
        assert quantile_ranks(59, Fraction("0.95"), TWO_SIDED) == (52, None)

    @SOME
    @given(n=st.integers(1, 80), q=QUANTILES, confidence=CONFIDENCES)
    def test_are_those_of_exact_binomial_sums(self, n: int, q: Fraction, confidence: float) -> None:
        chances = list(accumulate(math.comb(n, bad) * (1 - q) ** (n - bad) * q**bad for bad in range(n)))
        level = Fraction(str(confidence))
        lower = max((rank for rank, chance in enumerate(chances, 1) if chance <= 1 - level), default=None)
        upper = min((rank for rank, chance in enumerate(chances, 1) if chance >= level), default=None)
        assert quantile_ranks(n, q, confidence) == (lower, upper)

    @SOME
    @given(values=st.lists(st.integers(0, 20), min_size=1, max_size=400), q=QUANTILES, limit=st.integers(0, 20))
    def test_duality_with_the_bounds_of_the_share_over_the_limit(
        self, values: list[int], q: Fraction, limit: int
    ) -> None:
        n, ordered = len(values), sorted(values)
        over = sum(value > limit for value in values)
        lower, upper = quantile_ranks(n, q)
        assert (upper is not None and ordered[upper - 1] <= limit) == (upper_bound(over, n) <= 1 - q)
        assert (lower is not None and ordered[lower - 1] > limit) == (lower_bound(over, n) > 1 - q)

    @SOME
    @given(n=st.integers(1, 100_000), q=QUANTILES, confidence=CONFIDENCES)
    def test_are_the_mirrored_counts_of_proof_and_clear_fail(self, n: int, q: Fraction, confidence: float) -> None:
        lower, upper = quantile_ranks(n, q, confidence)
        proven, failed = proven_pass_at_most(n, 1 - q, confidence), clear_fail_at_least(n, 1 - q, confidence)
        assert proven == (None if upper is None else n - upper)
        assert failed == (None if lower is None else n - lower + 1)
