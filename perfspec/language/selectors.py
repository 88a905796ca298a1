"""Selectors of CSS over an answer that is a page: what of it a capture takes.

lxml reads the page in time that grows with its size alone and never deeper than 256, whatever is sent (a parser that
follows the rules of browsers takes minutes for some pages); cssselect translates a selector once. A page is what was
sent: what a browser or a script adds to it, such as a `tbody`, is not there.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

__all__ = ["Selector", "SelectorError", "compile_selector"]

MOST_BYTES = 1 << 20
"""A longer page is looked at as far as this."""
_SAID = re.compile(r"(?P<selector>.*?)(?:\s+@(?P<attribute>[A-Za-z_][\w:.-]*))?", re.DOTALL)
_ATTRIBUTE = re.compile(r"(?P<before>.+?)\s*(?:::attr\((?P<css>[\w-]+)\)|@(?P<glued>[\w-]+))")
_EXAMPLE = "write for example `css ul.items a @href`"


class SelectorError(ValueError):
    """No selector; the message says why."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class Selector:
    """`ul.items a @href`: the texts of what it selects, or their attributes."""

    def __init__(self, find: Any, attribute: str) -> None:
        self._find = find
        self._attribute = attribute

    def found(self, body: bytes) -> Iterator[str]:
        """From the beginning of the page. Elements without the attribute are passed over."""
        page = _page(body[:MOST_BYTES])
        for element in () if page is None else self._find(page):
            if not self._attribute:
                yield " ".join("".join(element.itertext()).split())
            elif (value := element.get(self._attribute)) is not None:
                yield value


def compile_selector(said: str) -> Selector:
    """Raises SelectorError."""
    from cssselect import HTMLTranslator, SelectorSyntaxError  # noqa: PLC0415 - 30 ms to load, and few specs need it
    from cssselect import SelectorError as Unreadable  # noqa: PLC0415 - as above
    from lxml.etree import XPath, XPathError  # noqa: PLC0415 - as above

    match = _SAID.fullmatch(said)
    assert match is not None  # it takes any text
    try:
        find = XPath(HTMLTranslator().css_to_xpath(match["selector"]))
        find(_page(b"<p>"))
    except SelectorSyntaxError as error:
        raise _wrong(match["selector"], "") from error
    except (Unreadable, XPathError) as error:
        raise _wrong(match["selector"], str(error).rstrip(".")) from error
    return Selector(find, (match["attribute"] or "").lower())


def _wrong(selector: str, reason: str) -> SelectorError:
    """`reason`: as cssselect or lxml say it; empty for what is no selector at all."""
    if found := _ATTRIBUTE.fullmatch(selector):  # as other tools write it
        attribute = found["css"] or found["glued"]
        return SelectorError(
            "an attribute stands behind a blank and `@`", f"write `css {found['before']} @{attribute}`"
        )
    if not reason:
        return SelectorError("this cannot be read as a selector of CSS", f"check its brackets and quotes; {_EXAMPLE}")
    return SelectorError(f"no selector here says this: {reason[:1].lower()}{reason[1:]}", _EXAMPLE)


@lru_cache(maxsize=1)
def _page(body: bytes) -> Any:
    """The page as a tree, None where there is nothing in it. Kept for the next capture of the same answer."""
    return _reader()(body)


@lru_cache(maxsize=1)
def _reader() -> Callable[[bytes], Any]:
    from lxml.etree import HTMLParser, fromstring  # noqa: PLC0415 - as above

    parser = HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    return lambda body: fromstring(body, parser) if body.strip() else None
