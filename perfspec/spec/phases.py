"""Phases and searches as said: what load, for how long."""

from fractions import Fraction

from perfspec.base.clock import SECOND
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.language.phrase_grammar import (
    parse_arrivals,
    parse_arrivals_range,
    parse_at_most,
    parse_duration,
    parse_share,
    parse_users,
    parse_users_range,
)
from perfspec.language.phrases import ArrivalsPhrase, UsersPhrase
from perfspec.load import Arrivals, Search, Shape, Users
from perfspec.spec.model import Phase

__all__ = ["AT_MOST", "read_phases", "read_search"]

AT_MOST = 500
"""Users at a time where arrivals say nothing else."""
HOLD_NS = 80 * SECOND
"""Of each load in a search: a quarter is not judged, and a minute is."""
PRECISION = Fraction(1, 20)
_NOT_BOTH = "`users` waits for answers, `arrivals` keeps coming; see `perfspec explain PS501`"
"""As the schema says it, so that a phase that has both in one file is told once."""


def read_phases(node: Node | None, out: Diagnostics) -> tuple[Phase, ...]:
    found = []
    for number, item in enumerate(node if isinstance(node, Sequence) else (), 1):
        if isinstance(item, Mapping) and (phase := _phase(item, number, out)) is not None:
            found.append(phase)
    return tuple(found)


def _phase(item: Mapping, number: int, out: Diagnostics) -> Phase | None:
    name, measure = item.get("name"), item.get("measure")
    shape = _shape(item, out)
    for_ns, rounds = _duration(item, "for", out), _whole(item.get("rounds"))
    if shape is None or not (for_ns or rounds):
        return None
    return Phase(
        name=name.text if isinstance(name, Scalar) else f"phase {number}",
        span=item.span,
        for_ns=0 if rounds else for_ns or 0,
        shape=shape,
        measured=not (isinstance(measure, Scalar) and measure.value is False),
        rounds=rounds,
        round_every_ns=_duration(item, "round_every", out) or 0,
        is_capped=item.get("at_most") is not None,
    )


def _shape(item: Mapping, out: Diagnostics) -> Shape | None:
    users, arrivals = item.get("users"), item.get("arrivals")
    if users is not None and (both := item.entry("arrivals")) is not None:  # after merging, too
        out.add("PS501", "a phase has `users` or `arrivals`, not both", both.key.span, _NOT_BOTH)
    if isinstance(users, Scalar):
        said = parse_users(users, out)
        return None if said is None else Users(said.start, said.end)
    rate = parse_arrivals(arrivals, out) if isinstance(arrivals, Scalar) else None
    return None if rate is None else Arrivals(rate.start, rate.end, _at_most(item, out), rate.is_poisson)


def _at_most(item: Mapping, out: Diagnostics) -> int:
    cap = item.get("at_most")
    return (parse_at_most(cap, out) if isinstance(cap, Scalar) else None) or AT_MOST


def read_search(node: Node | None, out: Diagnostics) -> Search | None:
    """What `find_limit` says."""
    if not isinstance(node, Mapping):
        return None
    users, arrivals, precision = node.get("users"), node.get("arrivals"), node.get("precision")
    ends: ArrivalsPhrase | UsersPhrase | None = None
    if isinstance(users, Scalar):
        ends = parse_users_range(users, out)
    elif isinstance(arrivals, Scalar):
        ends = parse_arrivals_range(arrivals, out)
    if ends is None:
        return None
    share = parse_share(precision, "precision", out) if isinstance(precision, Scalar) else None
    return Search(
        by="users" if isinstance(users, Scalar) else "arrivals",
        low=Fraction(ends.start),
        high=Fraction(ends.end),
        hold_ns=_duration(node, "hold_each", out) or HOLD_NS,
        precision=share or PRECISION,
        at_most=_at_most(node, out),
        span=node.span,
    )


def _duration(node: Mapping, key: str, out: Diagnostics) -> int | None:
    value = node.get(key)
    return parse_duration(value, key, out) if isinstance(value, Scalar) else None


def _whole(node: Node | None) -> int:
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
