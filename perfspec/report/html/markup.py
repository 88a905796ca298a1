"""HTML that cannot be broken out of: every text and attribute is escaped unless it is Markup already.

A hostile answer can hold anything. Characters that no document may hold, and those that turn the direction of writing,
are shown as the replacement character.
"""

import html
import re
from collections.abc import Iterable

__all__ = ["Markup", "element", "together"]

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_EMPTY = frozenset({"meta", "link", "br", "hr", "col"})


class Markup(str):
    """HTML, not text."""

    __slots__ = ()


def element(tag: str, *children: str | None, **attributes: str | float | None) -> Markup:
    """`element("td", "a < b", class_="n")`. A trailing `_` of a name is dropped, any other becomes `-`.

    Children and attributes that are None are left out.
    """
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_escaped(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _EMPTY:
        return Markup(f"<{tag}{said}>")
    return Markup(f"<{tag}{said}>{together(child for child in children if child is not None)}</{tag}>")


def together(children: Iterable[str]) -> Markup:
    """One after the other."""
    return Markup("".join(child if isinstance(child, Markup) else _text(child) for child in children))


def _text(text: str) -> str:
    """Quotes end no text; JSON is full of them."""
    return html.escape(_UNFIT.sub("\ufffd", text), quote=False)


def _escaped(text: str) -> str:
    return html.escape(_UNFIT.sub("\ufffd", text), quote=True)
