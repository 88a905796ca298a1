"""Selectors of CSS over an answer that is a page: what of it a capture takes.

lxml reads the page and never goes deeper than 256, whatever is sent (a parser that follows the rules of browsers takes
minutes for some pages); cssselect translates a selector once. What grows with the square of a page are the attributes
of one tag, so nothing is found in a page with a tag that has too many. A page is what was sent: what a browser or a
script adds to it, such as a `tbody`, is not there.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

__all__ = ["Selector", "SelectorError", "compile_selector"]

MOST_BYTES = 1 << 20
"""A longer page is looked at as far as this."""
MOST_ATTRIBUTES = 256
"""Of one tag. A megabyte of such tags is read in 0.1 s; a tag of half a megabyte would take a minute."""
_OVERLAP = 8
"""How often a page may be covered by what could be a tag: of ordinary ones hardly anything is covered twice."""
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
    return _reader()(body) if _is_bounded(body) else None


def _tags_with_attributes(most: int) -> re.Pattern[bytes]:
    """Group 1: what would be a tag if one began here, as far as `most` attributes. Group 2: one more.

    Told as the parser does, but at every `<`: whether a place is inside of a comment, a script or a value is not known.
    """
    name = rb"[A-Za-z](?:[^ \t\n\r\f/<>]|<(?![A-Za-z]))*+"
    value = rb"""[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:"[^"]*+"?|'[^']*+'?|[^ \t\n\r\f>]*+)"""
    attribute = rb"[ \t\n\r\f/]*+[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+(?:%b)?+" % value
    return re.compile(rb"<(?=(%b[ \t\n\r\f/](?:%b){1,%d}+)(%b)?+)" % (name, attribute, most, attribute))


_TAGS = _tags_with_attributes(MOST_ATTRIBUTES)


def _is_bounded(body: bytes) -> bool:
    """Whether it is known that no tag has too many attributes, in time that grows with the size of the page."""
    left = _OVERLAP * len(body)
    for tag in _TAGS.finditer(body):
        left -= tag.end(1) - tag.start(1)
        if left < 0 or tag[2] is not None:
            return False
    return True


@lru_cache(maxsize=1)
def _reader() -> Callable[[bytes], Any]:
    from lxml.etree import HTMLParser, fromstring  # noqa: PLC0415 - as above

    parser = HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    return lambda body: fromstring(body, parser) if body.strip() else None
