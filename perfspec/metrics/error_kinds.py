"""The kinds a request can fail by, and whose doing they are.

A request has at most one kind. No answer: refused, reset, closed, timeout, dns, tls, proxy, protocol, `too large`,
`redirect loop`, `redirect elsewhere`, unreachable, unsendable, `no path`, `gave up`; of streams `silence`, `cut off`,
`event too large`. An answer that was not as wanted: `status 503`, undecodable, `check FILE:LINE ...`,
`capture FILE:LINE ...`; of streams `no stream`.
"""

from collections.abc import Collection

__all__ = [
    "DROPPED",
    "GENERATOR_KINDS",
    "NOT_ASKED_KINDS",
    "NOT_SENT",
    "NO_ANSWER_KINDS",
    "NO_PATH",
    "UNREACHABLE_KINDS",
    "UNSENDABLE",
    "remedies",
]

NO_PATH = "no path"
"""What should be an address of the environment is none, so nothing was asked either; the service may have told it."""

UNSENDABLE = "unsendable"
"""The spec's own doing: no request could be made of its data, so nothing was asked of the service."""

NOT_ASKED_KINDS = frozenset({UNSENDABLE, NO_PATH})
"""Nothing was sent: whatever came of it, the service was not unavailable."""

NOT_SENT = "not sent"
"""Somebody was to come while the load generator stood still, or found no place because it had."""

GENERATOR_KINDS = frozenset({"no descriptors", "no ports", "no memory", "dns", NOT_SENT})
"""This machine's doing, or that of its resolver: they say nothing about the service under test."""

DROPPED = "dropped"
"""Somebody came and found no place."""

UNREACHABLE_KINDS = frozenset({"refused", "reset", "closed", "unreachable", "dns", "tls", "proxy"})
"""Nobody is there, or nobody to talk to: users wait longer and longer before they try again."""

NO_ANSWER_KINDS = (
    GENERATOR_KINDS
    | UNREACHABLE_KINDS
    | {UNSENDABLE, NO_PATH, "timeout", "protocol", "too large", "redirect loop", "redirect elsewhere", DROPPED}
    | {"silence", "cut off", "event too large"}
)
"""There was no whole answer, and so no status that could be counted."""


def remedies(kinds: Collection[str]) -> tuple[str, ...]:
    """What to do about generator kinds, each as the beginning of a sentence."""
    limits = ("raise its limits",) if set(kinds) - {"dns", NOT_SENT} else ()
    names = ("see that it can look up names",) if "dns" in kinds else ()
    return (*limits, *names, *(("let it run without a stop",) if NOT_SENT in kinds else ()))
