"""What the YAML reader says, in the words of somebody who has never read its grammar.

Its terms (alias, block mapping, flow, scalar, token) never reach the reader of a spec; what cannot be said better is
said as "this cannot be read here".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source
from perfspec.language.quotes import quoted

__all__ = ["explain", "glued"]

_NO_BLANK = re.compile("[\u00a0\u2000-\u200b\u202f\u3000]")
_GLUED = re.compile(r"([A-Za-z_][\w-]*):([^\s/:].*)")
_TWO_WORDS = re.compile(r"([A-Za-z_][\w-]*) +(\S.*)")
_ASSIGNED = re.compile(r" *(?:- )?(?P<key>[A-Za-z_][\w-]*) *= *(?P<value>[^\s=:][^:]*)")
_COMMENT = re.compile(r"(?:^|[\s,\[{])(#)(?P<rest>[^,\]}\s]*)")
_INDENT = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class _Place:
    source: Source
    at: int
    """Where reading stopped."""
    began: int
    """Where the thing being read began; `at` if that is not known."""

    @property
    def char(self) -> str:
        return self.source.text[self.at : self.at + 1]

    @property
    def line_number(self) -> int:
        return self.source.span(self.at, self.at).line

    @property
    def line(self) -> str:
        return self.source.line(self.line_number)

    @property
    def column(self) -> int:
        """Characters before it on its line."""
        return self.source.span(self.at, self.at).column - 1

    @property
    def first_on_line(self) -> bool:
        return not self.line[: self.column].strip()


@dataclass(frozen=True, slots=True)
class _Finding:
    message: str
    help: str
    start: int
    end: int
    code: str = "PS002"


def glued(text: str) -> tuple[str, str] | None:
    """Key and value of `name:cart`, which YAML reads as one text."""
    found = _GLUED.fullmatch(text)
    return (found[1], found[2]) if found else None


def explain(source: Source, error: yaml.MarkedYAMLError, out: Diagnostics) -> None:
    """Report why the text cannot be read."""
    mark = error.problem_mark or error.context_mark
    at = min(mark.index, len(source.text)) if mark else 0
    began = min(error.context_mark.index, len(source.text)) if error.context_mark else at
    place = _Place(source, at, began)
    finding = _tab(place)
    if finding is None:
        problem = error.problem or ""
        describe = next((f for words, f in _PROBLEMS if words in f"{error.context or ''}: {problem}"), _unreadable)
        finding = describe(place)
    out.add(finding.code, finding.message, source.span(finding.start, max(finding.end, finding.start)), finding.help)


def _tab(place: _Place) -> _Finding | None:
    indent = _INDENT.match(place.line)
    assert indent is not None  # it matches nothing, too
    start = place.at - place.column
    if "\t" in indent[0]:
        fix = "use spaces, two for each level"
        return _Finding("tabs cannot indent a line", fix, start, start + indent.end(), "PS001")
    if place.char == "\t":
        return _Finding("a tab stands where a space belongs", "use a space", place.at, place.at + 1, "PS001")
    return None


def _word(place: _Place, message: str, fix: str) -> _Finding:
    """About the word at which reading stopped; at the end of a line, about the last one before it."""
    text = place.source.text
    start = place.at
    if not text[start : start + 1].strip():
        start = len(text[:start].rstrip()) - 1
        return _Finding(message, fix, max(start, 0), max(start, 0) + 1)
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return _Finding(message, fix, start, end)


def _unreadable(place: _Place) -> _Finding:
    fix = "check the indentation and the quotes of this line and the one above"
    return _word(place, "this cannot be read here", fix)


def _value_start(place: _Place) -> _Finding:
    rest = place.source.text[place.at :].split("\n", 1)[0].rstrip()
    value = re.split(r"\s#", rest, maxsplit=1)[0].rstrip()
    if re.search(r"[\[{][^\]}]*$", place.line[: place.column]):
        value = re.split(r"[,}\]]", value, maxsplit=1)[0].rstrip() or value
    if place.char == "%":
        return _word(place, "a value cannot begin with `%`", "write the number first, such as `5%`")
    return _word(place, f"a value cannot begin with `{place.char}`", f"write {quoted(value)}")


def _star(place: _Place) -> _Finding:
    return _value_start(_Place(place.source, place.began, place.began))


def _arrow(place: _Place) -> _Finding:
    """`> 300ms`: a comparison to its writer, the start of a long text to YAML."""
    place = _Place(place.source, place.began, place.began)
    rest = re.split(r"\s#|\n", place.source.text[place.at :], maxsplit=1)[0].rstrip()
    amount = rest.lstrip(">|=+- ")
    if place.char == ">":
        words = f"at least {amount}" if rest.startswith(">=") else f"over {amount}"
        fix = f"write `{words}`; limits are words"
    else:
        fix = f"write {quoted(rest)}"
    return _word(place, f"a value cannot begin with `{place.char}`", fix)


def _second_colon(place: _Place) -> _Finding:
    before = place.line[: place.column]
    if re.search(r":(\s|$)", before):
        start = place.at - place.column + before.index(":") + 1
        rest = place.source.text[start:].split("\n", 1)[0]
        value = re.split(r"\s#", rest, maxsplit=1)[0].strip()
        fix = f"write {quoted(value)}, or begin a new line"
        return _Finding("a second `: ` on one line", fix, place.at, place.at + 1)
    start = place.at - place.column
    indent = len(before) - len(before.lstrip())
    if before.lstrip().startswith("- "):
        message = "this list stands below a line that already has a value"
        return _Finding(message, "write the key of the list above it, such as `steps:`", start + indent, place.at)
    if assigned := _assigned(place, start):
        return assigned
    return _Finding(
        "this line is indented below a line that already has a value",
        f"indent `{before.strip()}:` like the line above, or remove the value there",
        start + indent,
        place.at,
    )


def _list_entry(place: _Place) -> _Finding:
    return _word(place, "a list cannot begin behind its key", "begin a new line with `- `")


def _missing_colon(place: _Place) -> _Finding:
    text = place.source.text[place.began :].splitlines()[0] if place.began < len(place.source.text) else ""
    word = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    short = word if len(word) <= 40 else word[:39] + "…"
    end = place.began + len(word)
    if blank := _NO_BLANK.search(word):
        at = place.began + blank.start()
        message = f"the invisible character U+{ord(blank[0]):04X} stands where a blank belongs"
        return _Finding(message, "delete it and press the space bar", at, at + 1)
    if parts := glued(word):
        key, value = parts
        return _Finding(f"a blank is missing behind `{key}:`", f"write `{key}: {value}`", place.began, end)
    if found := _TWO_WORDS.fullmatch(word):
        return _Finding(f"`{short}` has no `:`", f"write `{found[1]}: {found[2]}`", place.began, end)
    return _Finding(f"`{short}` has no `:`", f"write `{short}: ...`", place.began, place.began + len(word))


def _open_quote(place: _Place) -> _Finding:
    char = place.source.text[place.began : place.began + 1]
    return _Finding("this quote is never closed", f"add {char} where the text ends", place.began, place.began + 1)


def _bracket(place: _Place) -> _Finding:
    text = place.source.text
    opener = text[place.began : place.began + 1]
    closer = "}" if opener == "{" else "]"
    line_end = text.find("\n", place.began) % (len(text) + 1)
    comment = _COMMENT.search(text, place.began, line_end)
    if comment and comment["rest"] and closer in text[comment.start() : line_end]:
        word, at = f"#{comment['rest']}", comment.start(1)
        message = f"`#` begins a comment here, so the `{opener}` before it is never closed"
        return _Finding(message, f"write {quoted(word)}", at, at + len(word))
    if place.char in ("", "\n", "\r") or "\n" in text[place.began : place.at]:
        return _Finding(f"this `{opener}` is never closed", f"add `{closer}`", place.began, place.began + 1)
    return _word(place, f"`,` or `{closer}` is missing here", "put quotes around a text that holds brackets or quotes")


def _escape(place: _Place) -> _Finding:
    start = place.source.text.rfind("\\", 0, place.at + 1)
    start = start if start >= 0 else place.at
    word = place.source.text[start : start + 2]
    fix = f"use single quotes, or write `\\{word}`"
    return _Finding(f"`{word}` means nothing inside double quotes", fix, start, start + 2)


def _no_content(place: _Place) -> _Finding:
    if place.char == ":":
        return _bare_colon(place)
    if place.char in ("}", "]", ","):
        return _word(place, f"`{place.char}` stands where a value belongs", "write the value, or put it in quotes")
    return _unreadable(place)


def _bare_colon(place: _Place) -> _Finding:
    return _Finding("a key is missing before `:`", "write one, or remove the `:`", place.at, place.at + 1, "PS011")


def _no_key(place: _Place) -> _Finding:
    if place.char == ":" and place.first_on_line:
        return _bare_colon(place)
    if not place.first_on_line:
        return _word(place, "a text follows the end of the value", "put the whole value into one pair of quotes")
    if place.line.strip().startswith("- "):
        return _word(place, "a list entry stands among keys", "indent it below the key it belongs to, or remove `- `")
    return _indent(place)


def _no_dash(place: _Place) -> _Finding:
    if not place.first_on_line:
        return _no_key(place)
    message = "this line stands in a list and does not begin with `- `"
    return _word(place, message, "add `- `, or indent it like its key")


def _indent_below(place: _Place) -> int:
    """Of the next line that says something."""
    for line in place.source.lines[place.line_number :]:
        if line.strip() and not line.lstrip().startswith("#"):
            return len(line) - len(line.lstrip())
    return 0


def _assigned(place: _Place, start: int) -> _Finding | None:
    """Is the line above the one that begins at `start` a key with `=` in place of its `:`?"""
    above = place.source.text[:start].rstrip()
    begin = above.rfind("\n") + 1
    line = re.split(r"\s#", above[begin:], maxsplit=1)[0].rstrip()
    if (assigned := _ASSIGNED.fullmatch(line)) is None:
        return None
    fix = f"write `{assigned['key']}: {assigned['value']}`"
    begin += len(line) - len(line.lstrip())
    return _Finding(f"`{line.strip()}` has no `:`", fix, begin, begin + len(line.strip()))


def _indent(place: _Place) -> _Finding:
    if assigned := _assigned(place, place.at - place.column):
        return assigned
    levels: list[int] = []
    for number in range(place.line_number - 1, 0, -1):
        line = place.source.line(number)
        indent = len(line) - len(line.lstrip())
        if line.strip() and not line.strip().startswith("#") and (not levels or indent < levels[-1]):
            levels.append(indent)
    here = place.column
    below = _indent_below(place) if place.line.split(" #")[0].rstrip().endswith(":") else here + 99
    near = min((level for level in levels if level < below), key=lambda level: abs(level - here), default=None)
    fix = f"indent it by {near} spaces" if near else "do not indent it" if near == 0 else "check its indentation"
    return _word(place, "the indentation of this line fits none above it", fix)


_PROBLEMS: tuple[tuple[str, Callable[[_Place], _Finding]], ...] = (
    ("scanning an alias", _star),
    ("scanning an anchor", _star),
    ("scanning a block scalar", _arrow),
    ("cannot start any token", _value_start),
    ("mapping values are not allowed", _second_colon),
    ("block sequence entries", _list_entry),
    ("could not find expected ':'", _missing_colon),
    ("unexpected end of stream", _open_quote),
    ("unexpected document indicator", _open_quote),
    ("parsing a quoted scalar", _escape),
    ("expected ',' or", _bracket),
    ("expected node content", _no_content),
    ("expected key", _no_key),
    ("expected '-' indicator", _no_dash),
)
