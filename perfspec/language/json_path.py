"""JSON paths as in RFC 9535: `$.items[0]['unit price']`, taken apart as far as their segments are plain.

A path is singular when it can reach one value at most: names and numbers only. With `*` and slices it is plain: one way
leads from each value to the next. `..`, filters and lists of selectors are not; jsonpath-rfc9535 reads those.
"""

import re
from typing import Any, Final, TypeAlias

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.phrases import Path
from perfspec.language.quantities import Said

__all__ = ["EVERY", "Segments", "is_singular", "is_slow", "parse_json_path", "query", "segments"]

Segments: TypeAlias = tuple[str | int | slice, ...]
"""Names, numbers, and slices of a list; `EVERY` stands for `*`."""
EVERY: Final = slice(None, None, 0)
"""A step of 0 selects nothing, so no written slice looks like it."""

_NAME = re.compile(r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*")
"""Letters, `_` and all that is not ASCII; said by what it is not, which compiles fifty times as fast."""
_LOOSE_NAME = re.compile(r"[\w$@-]+")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
_BOUND = r"(0|-?[1-9][0-9]{0,14})?"
_SLICE = re.compile(rf"{_BOUND}\s*:\s*{_BOUND}(?:\s*:\s*{_BOUND})?")
_BLANK = re.compile(r"[ \t]*")
_MAX_LENGTH: Final = 500
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\", "'": "'", '"': '"'}


class _Broken(Exception):
    def __init__(self, message: str, start: int, end: int, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.fix = message, start, end, fix


def parse_json_path(text: str, span: Span, out: Diagnostics) -> Path | None:
    """The parts of a singular path; () for `$` itself and for paths that are not singular; None for none at all."""
    try:
        reader = _Reader(text)
        found = reader.read()
        if not reader.is_plain:
            query(text)
    except _Broken as error:
        out.add("PS205", error.message, Said(text, span).at(error.start, max(error.end, error.start)), error.fix)
        return None
    return _singular(found) if reader.is_plain else ()


def _singular(parts: Segments) -> Path:
    """() if the path can reach several values."""
    path = tuple(part for part in parts if not isinstance(part, slice))
    return path if len(path) == len(parts) else ()


def is_singular(text: str) -> bool:
    """Whether a correct path reaches one value at most."""
    parts = segments(text)
    return parts is not None and len(_singular(parts)) == len(parts)


def is_slow(text: str) -> bool:
    """Whether a correct path looks at more of the answer than lies on one way: `..`, filters, lists of selectors."""
    return segments(text) is None


def segments(text: str) -> Segments | None:
    """The segments of a plain path; None for any other."""
    reader = _Reader(text)
    try:
        found = reader.read()
    except _Broken:
        return None
    return found if reader.is_plain else None


def query(text: str) -> Any:  # a jsonpath_rfc9535.JSONPathQuery: the package is loaded for specs that need it
    """The path as jsonpath-rfc9535 has it, its `match` and `search` on RE2. Raises _Broken."""
    from perfspec.language.json_query import compile_query  # noqa: PLC0415 - 50 ms to load, and few specs need it

    try:
        return compile_query(text)
    except ValueError as error:
        raise _Broken(str(error), 0, len(text), "see RFC 9535, or write the way to the value") from error


class _Reader:
    __slots__ = ("at", "is_plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.is_plain = True
        """Every segment so far is one of `Segments`; what `read` gives of any other path is not the whole of it."""

    def read(self) -> Segments:
        """Raises _Broken."""
        if len(self.text) > _MAX_LENGTH:
            raise _Broken(f"a path has at most {_MAX_LENGTH} characters", 0, len(self.text), "shorten it")
        if not self.text.startswith("$"):
            raise _Broken("a JSON path begins with `$`", 0, len(self.text), f"write `$.{self.text.lstrip('.')[:40]}`")
        self.at = 1
        parts: list[str | int | slice] = []
        while self.at < len(self.text):
            parts += self._segment()
        return tuple(parts)

    def _segment(self) -> list[str | int | slice]:
        """One part, or none for a segment that is not plain."""
        if self._take(".."):
            self.is_plain = False
            if not self._take("*"):
                _ = self._brackets() if self.text.startswith("[", self.at) else self._name()
            return []
        if self._take("."):
            return [EVERY] if self._take("*") else [self._name()]
        if self.text.startswith("[", self.at):
            return self._brackets()
        rest = self.text[self.at :]
        if "${" in f"${rest}"[:2]:
            raise _Broken("`${...}` cannot stand in a path", 0, len(self.text), "write the path as it is")
        fix = "remove the spaces" if rest[0] == " " else f"write `.{rest[:40]}`"
        if rest[0] == "(":
            fix = "a path calls nothing: capture `count $.items`, or expect `at least 3 entries`"
        raise _Broken(f"`{rest[0]}` is not expected in a JSON path", self.at, self.at + 1, fix)

    def _take(self, token: str) -> bool:
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def _name(self) -> str:
        start = self.at
        match = _NAME.match(self.text, start)
        loose = _LOOSE_NAME.match(self.text, start)
        if (match and loose and match.end() < loose.end()) or (loose and not match):
            name = loose[0]
            fix = (
                f"write `{self.text[: start - 1]}[{name}]`"
                if name.isdigit()
                else f"write `{self.text[: start - 1]}['{name}']`"
            )
            raise _Broken(f"`{name}` cannot stand behind a dot", start, loose.end(), fix)
        if not match:
            raise _Broken("a name is missing behind the dot", max(start - 1, 0), start, "write `$.name`")
        self.at = match.end()
        return match[0]

    def _brackets(self) -> list[str | int | slice]:
        opened = self.at
        self.at += 1
        found: list[str | int | slice] = []
        while True:
            self._blank()
            found += self._selector(opened)
            self._blank()
            if self._take("]"):
                self.is_plain = self.is_plain and len(found) == 1
                return found
            if not self._take(","):
                end = self.at >= len(self.text)
                message = "`[` is never closed" if end else f"`{self.text[self.at]}` is not expected in `[ ]`"
                start = opened if end else self.at
                raise _Broken(message, start, start + 1, "add `]`" if end else "write a number or a 'name'")

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        assert match is not None  # it matches nothing, too
        self.at = match.end()

    def _selector(self, opened: int) -> list[str | int | slice]:
        char = self.text[self.at : self.at + 1]
        if char in ("'", '"') and char:
            return [self._quoted(char)]
        if self._take("*"):
            return [EVERY]
        if char == "?":
            self._filter(opened)
            return []
        if match := _SLICE.match(self.text, self.at):
            self.at = match.end()
            start, stop, step = (int(n) if n else None for n in match.groups())
            return [slice(0, 0, 1) if step == 0 else slice(start, stop, step or 1)]
        if match := _INTEGER.match(self.text, self.at):
            self.at = match.end()
            return [int(match[0])]
        if char in ("]", ""):
            raise _Broken("nothing stands in `[ ]`", opened, self.at + len(char), "write a number, a 'name' or `*`")
        if match := _LOOSE_NAME.match(self.text, self.at):
            raise _Broken(f"`{match[0]}` needs quotes in `[ ]`", self.at, match.end(), f"write `['{match[0]}']`")
        raise _Broken(f"`{char}` is not expected in `[ ]`", self.at, self.at + 1, "write a number, a 'name' or `*`")

    def _quoted(self, quote: str) -> str:
        start = self.at
        self.at += 1
        out = []
        while self.at < len(self.text) and self.text[self.at] != quote:
            char = self.text[self.at]
            if char == "\\":
                out.append(self._escape())
                continue
            out.append(char)
            self.at += 1
        if not self._take(quote):
            raise _Broken("a quote is never closed", start, start + 1, f"add {quote}")
        return "".join(out)

    def _escape(self) -> str:
        char = self.text[self.at + 1 : self.at + 2]
        code = self.text[self.at + 2 : self.at + 6]
        if char == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", code):
            self.at += 6
            return chr(int(code, 16))
        if char not in _ESCAPES:
            raise _Broken(f"`\\{char}` means nothing in a name", self.at, self.at + 2, r"write `\\` for a backslash")
        self.at += 2
        return _ESCAPES[char]

    def _filter(self, opened: int) -> None:
        """Up to the closing bracket; quotes and nested brackets are passed over, what they say is not judged."""
        closers: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "'\"":
                self._quoted(char)
                continue
            if char in "([":
                closers.append(")" if char == "(" else "]")
            elif closers and char == closers[-1]:
                closers.pop()
            elif char in "],)" and not closers:
                return
            self.at += 1
        raise _Broken("`[` is never closed", opened, opened + 1, "add `]`")
