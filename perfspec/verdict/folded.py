"""Requests with a tag's value that were counted as `other`: a row about such a value holds only a part of them."""

from collections.abc import Collection, Sequence

import msgspec

from perfspec.metrics.labels import OTHER
from perfspec.metrics.series import Slice
from perfspec.spec.model import Cell
from perfspec.spec.model import Row as RowName
from perfspec.verdict.samples import Seconds, sample

__all__ = ["folded"]


def folded(
    slices: Sequence[Slice], row: RowName, cell: Cell, stretches: Seconds, kept: Collection[tuple[str, str]] | None
) -> str:
    """Why nothing can be said of all requests of a row; empty if it holds them all.

    `kept`: tags with the values that the run was told to keep apart, whatever else there was; None: all of them.
    """
    for tag, value in row.where if kept is not None else ():
        if kept is not None and (tag, value) not in kept:
            others = msgspec.structs.replace(row, where=((tag, OTHER),))
            if n := sample(slices, others, cell, stretches).row.n:
                return (
                    f"the run counted {n} requests as `{tag} {OTHER}`, and any of them may be `{value}`: no limit was "
                    "about it then; re-run to judge it"
                )
    return ""
