"""How sure a verdict is: exact one-sided bounds of a bad share, and the integers a threshold comes down to.

k bad of n requests, confidence c on each side, I_x(a, b) the regularised incomplete beta function:
- Clopper-Pearson: lower L solves I_L(k, n-k+1) = 1-c (0 if k = 0), upper U solves I_U(k+1, n-k) = c (1 if k = n).
- BinCDF(k; n, p) = 1 - I_p(k+1, n-k), so U(k) <= p iff BinCDF(k; n, p) <= 1-c and L(k) > p iff BinCDF(k-1; n, p) > c.
- Order statistics: X_(s) bounds the q-quantile from above iff BinCDF(s-1; n, q) >= c, X_(r) from below iff
  BinCDF(r-1; n, q) <= 1-c. Duality: X_(s) <= X iff U(k) <= 1-q, where k is the number of values above X.
- I_x(a, b) is Lentz's continued fraction times x^a (1-x)^b / B(a, b). That factor is a saddle-point form (Loader,
  Fast and Accurate Computation of Binomial Probabilities, 2000); log-gammas would leave nine digits of it at a million.
Shares and quantile levels are Fractions of the text in the spec: whatever the point decides is integer arithmetic.
Sources: DLMF 8.17.22 and 5.11.1; Lentz, Applied Optics 15, 1976; Clopper and Pearson, Biometrika 26, 1934.
"""

import math
from bisect import bisect_left, bisect_right
from fractions import Fraction

__all__ = [
    "allowed_bad",
    "beta_cdf",
    "beta_inverse",
    "lower_bound",
    "n_min",
    "nearest_rank",
    "quantile_ranks",
    "upper_bound",
]

_EPSILON = 2.0**-52
_LAST_STEP = 1e-11  # relative
_TINY = 1e-300  # stands for a zero denominator in Lentz's method
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def beta_cdf(x: float, a: float, b: float) -> float:
    """I_x(a, b), the chance that a Beta(a, b) value is at most x; 0 below x = 0 and 1 above x = 1.

    The effort grows with the square root of the larger parameter. Raises ValueError unless a and b are positive.
    """
    _check_parameters(a, b)
    if math.isnan(x):
        raise ValueError("the beta distribution is asked at a value that is no number")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    factor = _beta_factor(x, a, b)
    # Left of this point the fraction converges fast; right of it the mirrored one does (DLMF 8.17.4).
    if x < (a + 1) / (a + b + 2):
        return min(1.0, factor * _beta_fraction(x, 1 - x, a, b))
    return max(0.0, 1 - factor * _beta_fraction(1 - x, x, b, a))


def beta_inverse(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p, to the last few digits of a float; below 1e-50 only its size is right.

    Newton from the turning point of the distribution function, where it cannot overshoot, kept inside a bracket that
    is halved where it would. Raises ValueError unless p lies in [0, 1] and a and b are positive.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a probability lies in 0 to 1, got {p}")
    _check_parameters(a, b)
    if p in (0, 1):
        return float(p)
    low, high = 0.0, 1.0
    x = (a - 1) / (a + b - 2) if a > 1 and b > 1 else a / (a + b)
    for _ in range(200):
        excess = beta_cdf(x, a, b) - p
        low, high = (x, high) if excess < 0 else (low, x)
        density = _beta_factor(x, a, b) / (x * (1 - x))
        step = excess / density if density > 0 else math.inf
        # Each step squares the error of the one before, so what follows a step as small as this is rounding alone.
        if abs(step) <= _LAST_STEP * x * (1 - x):
            return x - step
        x = x - step if low < x - step < high else (low + high) / 2
        if x in (low, high):  # two neighbouring floats: nothing lies between
            break
    return x


def _beta_factor(x: float, a: float, b: float) -> float:
    """x^a (1-x)^b / B(a, b) for 0 < x < 1, as the distance of x from the mean a / (a + b)."""
    y, n = 1 - x, a + b
    distance = b * x - a * y  # = n x - a, without the cancellation
    return math.exp(
        a * _log_ratio(distance / a, x * n / a)
        + b * _log_ratio(-distance / b, y * n / b)
        + 0.5 * (math.log(a) + math.log(b / n))
        - _HALF_LOG_TWO_PI
        + _stirling_rest(n)
        - _stirling_rest(a)
        - _stirling_rest(b)
    )


def _log_ratio(offset: float, ratio: float) -> float:
    """The logarithm of `ratio` = 1 + `offset`, from whichever of the two still has all its digits."""
    return math.log1p(offset) if abs(offset) < 0.5 else math.log(ratio)


def _stirling_rest(a: float) -> float:
    """What Stirling's formula leaves out of ln Gamma(a): 1/(12a) - 1/(360a^3) + ... (DLMF 5.11.1)."""
    if a < 15:
        return math.lgamma(a) - ((a - 0.5) * math.log(a) - a + _HALF_LOG_TWO_PI)
    w = 1 / (a * a)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / a


def _beta_fraction(x: float, y: float, a: float, b: float) -> float:
    """I_x(a, b) over x^a y^b / B(a, b), where y = 1 - x: the even part of DLMF 8.17.22, by Lentz's method.

    x and y are both given because the large one has lost digits of the small one. Raises ArithmeticError if the
    fraction does not settle, which no known a and b bring about.
    """
    excess = a * y - b * x + 1  # positive left of the turning point, so no denominator vanishes there
    value = c = a * excess / (a + 1) or _TINY
    d = 0.0
    for m in range(1, 1000 + 20 * math.isqrt(int(max(a, b)))):
        even = m * (b - m) * x / (a + 2 * m - 1)
        over = (a + m - 1) * (a + b + m - 1) * x * even / (a + 2 * m - 1)
        under = m + even + (a + m) * (excess + m * (1 + y)) / (a + 2 * m + 1)
        d = 1 / ((under + over * d) or _TINY)
        c = (under + over / c) or _TINY
        value *= c * d
        if abs(c * d - 1) <= _EPSILON:
            return 1 / value
    raise ArithmeticError(f"the incomplete beta function did not settle at x={x}, a={a}, b={b}")


def lower_bound(bad: float, total: float, confidence: float = 0.95) -> float:
    """The share of bad requests that is surely exceeded: one-sided Clopper-Pearson, 0 if none was bad.

    Counts may be real numbers (an effective sample size). Raises ValueError unless 0 <= bad <= total and the
    confidence lies between 0 and 1.
    """
    _check_counts(bad, total, confidence)
    return beta_inverse(1 - confidence, bad, total - bad + 1) if bad > 0 else 0.0


def upper_bound(bad: float, total: float, confidence: float = 0.95) -> float:
    """The share of bad requests that is surely not exceeded: one-sided Clopper-Pearson, 1 if all were bad or none sent.

    Counts may be real numbers (an effective sample size). Raises ValueError unless 0 <= bad <= total and the
    confidence lies between 0 and 1.
    """
    _check_counts(bad, total, confidence)
    return beta_inverse(confidence, bad + 1, total - bad) if bad < total else 1.0


def nearest_rank(q: Fraction, n: int) -> int:
    """Which of n sorted values, counted from 1, is the q-quantile: ceil(q n), at least 1, always an observed value.

    Raises ValueError if there is no value or q is no share.
    """
    _check_share(q)
    if n < 1:
        raise ValueError(f"a quantile needs at least one value, got {n}")
    return max(1, math.ceil(q * n))


def allowed_bad(share: Fraction, n: int, *, strict: bool) -> int:
    """The largest k with k/n <= share, or k/n < share if `strict`.

    -1 says that no k meets it, not even 0: `errors < 0%`, or no request at all, which must never look like a pass.
    Raises ValueError if share is no share or n is negative.
    """
    _check_share(share)
    _check_requests(n)
    if n == 0:
        return -1
    return math.ceil(share * n) - 1 if strict else math.floor(share * n)


def n_min(share: Fraction, confidence: float = 0.95) -> int | None:
    """Requests that prove a pass if none of them is bad: ceil(ln(1 - confidence) / ln(1 - share)).

    None if the share is 0: no number of good requests proves that a bad one never comes. 0 if the share is 1.
    Raises ValueError if share is no share or the confidence does not lie between 0 and 1.
    """
    _check_share(share)
    _check_confidence(confidence)
    if share == 0:
        return None
    if share == 1:
        return 0
    # 1 - share in exact arithmetic if it is small, its logarithm without cancellation if the share is.
    log_good = math.log1p(-float(share)) if share < Fraction(1, 2) else math.log(1 - share)
    estimate = math.log1p(-confidence) / log_good
    # A whole number that rounding lifted by a hair must not ask for one request more.
    return math.ceil(estimate * (1 - 1e-12))


def quantile_ranks(n: int, q: Fraction, confidence: float = 0.95) -> tuple[int | None, int | None]:
    """Ranks (r, s) of n sorted values, counted from 1: the q-quantile is surely at least X_(r), surely at most X_(s).

    Each side has the given confidence. None where n values are too few to bound that side.
    Raises ValueError if n is negative, q is no share or the confidence does not lie between 0 and 1.
    """
    _check_judgement(n, q, confidence)
    lower = bisect_right(range(n), 1 - confidence, key=lambda k: _binomial_cdf(k, n, q))
    upper = bisect_left(range(n), confidence, key=lambda k: _binomial_cdf(k, n, q))
    return lower or None, upper + 1 if upper < n else None


def _binomial_cdf(k: int, n: int, p: Fraction) -> float:
    """The chance of at most k bad among n requests, each bad with chance p; for k < n."""
    # Whichever of p and 1-p is small is exact as a Fraction and keeps all its digits as a float.
    if p < Fraction(1, 2):
        return 1 - beta_cdf(float(p), k + 1, n - k)
    return beta_cdf(float(1 - p), n - k, k + 1)


def _check_parameters(a: float, b: float) -> None:
    if not (0 < a < math.inf and 0 < b < math.inf):
        raise ValueError(f"a beta distribution needs two positive parameters, got {a} and {b}")


def _check_counts(bad: float, total: float, confidence: float) -> None:
    if not 0 <= bad <= total < math.inf:
        raise ValueError(f"bad requests are counted among all requests, got {bad} of {total}")
    _check_confidence(confidence)


def _check_judgement(n: int, share: Fraction, confidence: float) -> None:
    _check_requests(n)
    _check_share(share)
    _check_confidence(confidence)


def _check_requests(n: int) -> None:
    if n < 0:
        raise ValueError(f"a number of requests is not negative, got {n}")


def _check_share(share: Fraction) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies in 0 to 1, got {share}")


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, got {confidence}")
