"""Phrases about an answer: what it must look like, and which parts of it to keep.

matcher = limit | VALUE | "exactly" TEXT | a list | ["not"] "contains" T | "starts with" T | "matches" PATTERN
| "present" | "absent" | "empty" | "not empty"
capture = ["secret"] ["all" | "random" | "count"]
($.PATH | "header" NAME | "cookie" NAME | "regex" PATTERN | "css" SELECTOR ["@" ATTRIBUTE]) ["or" VALUE]
subject = "status" | "header" NAME | $.PATH | "events", of a stream
"""

import re
from typing import Literal, cast

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import templates
from perfspec.language.json_path import parse_json_path
from perfspec.language.limits import RELATION, RELATIONS, parse_limit_text, relation_of
from perfspec.language.nodes import Node, Scalar, Sequence
from perfspec.language.patterns import PatternError, compile_pattern, outside_re2
from perfspec.language.phrases import Capture, Limit, Matcher, Quantity, Subject
from perfspec.language.quantities import MAX_PHRASE, Said, shorten
from perfspec.language.selectors import SelectorError, compile_selector
from perfspec.language.slips import respelt_start, slipped
from perfspec.language.structure import nearest

__all__ = ["has_unit", "parse_capture", "parse_matcher", "parse_subject"]

MAX_PATTERN = 500

_STATES = ("present", "absent", "empty", "not empty")
_OTHER_STATES = {
    "exists": "present", "exist": "present", "is present": "present", "not absent": "present", "not null": "not empty",
    "not present": "absent", "is absent": "absent", "not exists": "absent", "does not exist": "absent",
    "is empty": "empty", "is not empty": "not empty", "not-empty": "not empty", "non-empty": "not empty",
    "non empty": "not empty", "nonempty": "not empty", "notempty": "not empty", "isnt empty": "not empty",
    "isn't empty": "not empty", "is not null": "not empty", "is null": "empty", "there": "present",
}  # fmt: skip
_VERB = re.compile(r"(?P<not>not )?(?P<verb>contains|starts with|matches)(?: (?P<rest>.*))?", re.DOTALL)
_BEGINNINGS = ("contains", "not contains", "starts with", "matches", "exactly")
_OTHER_VERBS = re.compile(
    r"(?P<not>(?:not|does not|doesn't) )?(?P<verb>contain|includes?|containing|begins with|begin with|start with|starts"
    r"|match|regex) (?P<rest>.+)",
    re.DOTALL,
)
_VERBS = {"contain": "contains", "include": "contains", "includes": "contains", "containing": "contains",
          "begins with": "starts with", "begin with": "starts with", "start with": "starts with",
          "starts": "starts with", "match": "matches", "regex": "matches"}  # fmt: skip
_STARTS_AS_LIMIT = re.compile(rf"{RELATION}\s+\S")
_ONE_OF = re.compile(r"(?:one of|any of|in)[: ]\s*\[?(?P<rest>[^\]]+)\]?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CAPTURE = re.compile(r"(?P<secret>secret )?(?:(?P<take>all|random|count) )?(?P<source>\S.*)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DOTTED = re.compile(r"\.?[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*")

_HEADER_OF = re.compile(
    r"""(?:res(?:ponse)?\.)?headers?(?:[.:=_-]\s*(?P<name>[A-Za-z][\w-]*)|\[["']?(?P<quoted>[\w-]+)["']?\])""",
    re.IGNORECASE,
)
_HEADERS = ("location", "etag", "link", "date", "server", "retry-after", "set-cookie", "content-type", "x-request-id")


def parse_matcher(node: Node, out: Diagnostics) -> Matcher | None:
    """What a part of an answer must be."""
    if isinstance(node, Sequence):
        items = [item for item in node if isinstance(item, Scalar)]
        return Matcher("one of", tuple(item.value for item in items), text="one of " + ", ".join(i.text for i in items))
    if not isinstance(node, Scalar):
        return None
    if not isinstance(node.value, str):
        return Matcher("equals", node.value, text=node.text or "null")
    return _said_in_words(node, out)


def _said_in_words(node: Scalar, out: Diagnostics) -> Matcher | None:
    said = Said.of(node)
    text = node.text
    if text.startswith("exactly "):
        return Matcher("equals", text.removeprefix("exactly "), text=text)
    if text in _STATES:
        return Matcher(cast('Literal["present", "absent", "empty", "not empty"]', text), text=text)
    if match := _VERB.fullmatch(text):
        return _verb(said, match, out)
    if len(text) <= MAX_PHRASE:
        if _STARTS_AS_LIMIT.match(text):
            return _limit(said, out)
        if fix := _meant(text):
            out.add("PS203", f"`{shorten(text)}` would be compared as a text", said.span, f"write {fix}")
            return None
    return Matcher("equals", text, text=text)


def _limit(said: Said, out: Diagnostics) -> Matcher | None:
    text = " ".join(said.text.split())
    if "${" in text:
        filled = parse_limit_text(_filled(text), said.span, Diagnostics())
        if filled and has_unit(filled):
            out.add("PS240", f"`{shorten(text)}` has a unit, and a number in an answer has none", said.span,
                    "leave the unit out, and count as the service counts")  # fmt: skip
            return None
        return Matcher("limit", text, text=text)
    limit = parse_limit_text(said.text, said.span, out)
    if limit and limit.warn_only:
        out.add("PS203", "`warn only` belongs to thresholds", said.span, f"write `{limit.text}`")
        return None
    if limit and has_unit(limit):
        out.add("PS240", f"`{limit.quantity.text}` has a unit, and a number in an answer has none", said.span,
                f"write `{_bare(limit)}`, counted as the service counts")  # fmt: skip
        return None
    return Matcher("limit", limit=limit, text=limit.text) if limit else None


def has_unit(limit: Limit) -> bool:
    """Would it compare a number of an answer with an amount of something? Lengths are counted, so `entries` is none."""
    return limit.quantity.unit not in ("number", "entries")


def _filled(text: str) -> str:
    """The text with a 1 in each of its holes."""
    for hole in reversed(templates.holes(text)):
        text = f"{text[: hole.start]}1{text[hole.end :]}"
    return text


def _bare(limit: Limit) -> str:
    """The limit without its units."""
    low, high = (_digits(each) if each else "" for each in (limit.quantity, limit.high))
    return f"between {low} and {high}" if high else f"{limit.relation} {low}"


def _digits(amount: Quantity) -> str:
    if amount.unit == "size" and amount.value.denominator == 1:  # in bytes
        return str(amount.value)
    found = _NUMBER.findall(amount.text)
    return found[0] if len(found) == 1 else "200"


def _verb(said: Said, match: re.Match[str], out: Diagnostics) -> Matcher | None:
    kind = cast('Literal["contains", "starts with", "matches"]', match["verb"])
    rest = (match["rest"] or "").strip()
    negated = bool(match["not"])
    if not rest:
        out.add("PS203", f"`{kind}` needs a text behind it", said.span, f"write `{kind} json`")
        return None
    if negated and kind != "contains":
        out.add(
            "PS203", f"`not` goes with `contains` only, not with `{kind}`", said.at(0, 3), "turn the expectation around"
        )
        return None
    if kind == "matches" and not _pattern(rest, said.group(match, "rest"), out):
        return None
    return Matcher(kind, rest, negated=negated, text=" ".join(said.text.split()))


def _pattern(pattern: str, said: Said, out: Diagnostics) -> bool:
    if len(pattern) > MAX_PATTERN:
        out.add("PS203", f"a regular expression has at most {MAX_PATTERN} characters", said.span, "shorten it")
        return False
    if outside := outside_re2(pattern):
        start, end, does, fix = outside
        out.add("PS220", f"`{pattern[start:end]}` {does}, which RE2 cannot", said.at(start, end), fix)
        return False
    if "${" in pattern:  # it is compiled when it is known
        return True
    try:
        compile_pattern(pattern)
    except PatternError as error:
        out.add("PS203", f"this is no regular expression: {error}", said.span, "check its brackets and backslashes")
        return False
    return True


def _meant(text: str) -> str | None:
    """The phrase that a plain text was probably meant as."""
    state = _OTHER_STATES.get(text.lower()) or next(iter(slipped(text, _STATES)), None)
    if state:
        return f"`{state}`, or `exactly {text}` for the text"
    if respelt := respelt_start(text, (*_BEGINNINGS, *RELATIONS)):
        return f"`{shorten(respelt)}`, or `exactly {shorten(text)}` for the text"
    if limit := relation_of(text):
        return f"`{limit}`"
    if match := _ONE_OF.fullmatch(text):
        return f"`[{match['rest'].strip()}]`" if "," in text or " or " not in text else None
    if match := _OTHER_VERBS.fullmatch(text):
        no = "not " if match["not"] else ""
        return f"`{no}{_VERBS[match['verb']]} {match['rest']}`, or `exactly {shorten(text)}` for the text"
    return None


def parse_subject(key: Scalar, out: Diagnostics) -> Subject | None:
    """The part of an answer that an expectation is about."""
    text = key.text.strip()
    if text in ("status", "events"):
        return Subject(cast('Literal["status", "events"]', text))
    if text.startswith("header "):
        name = text.removeprefix("header ").strip()
        if _HEADER.fullmatch(name):
            return Subject("header", name)
        out.add("PS206", f"`{shorten(name)}` is no name of a header", key.span, "write `header Content-Type`")
        return None
    if text.startswith("$"):
        path = parse_json_path(key.text, key.content, out)
        return Subject("json", text, path) if path is not None else None
    out.add("PS206", f"an answer has no `{shorten(text)}`", key.span, _subject_fix(text))
    return None


def _subject_fix(text: str) -> str:
    if text.lower() in ("status code", "statuscode", "status_code", "code", "http status"):
        return "write `status`"
    if near := nearest(text, ("status", "events")):
        return f"did you mean `{near}`?"
    if re.fullmatch(r"[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)*", text) and (
        "-" in text or text in ("Location", "Server", "Date")
    ):
        return f"write `header {text}`"
    if text.lower().replace("_", " ") in ("time", "duration", "latency", "response time", "elapsed"):
        return "times are limited under `thresholds:`, such as `NAME: {p95: at most 200ms}`"
    if text.lower() in ("body", "text", "content"):
        return "write `$` for a JSON body; of any other, `capture: {found: regex ok}` fails where nothing is found"
    if _DOTTED.fullmatch(text):
        return f"write `$.{text.lstrip('.')}`"
    return "there are `status`, `header NAME`, JSON paths such as `$.items`, and `events` of a stream"


def parse_capture(scalar: Scalar, out: Diagnostics) -> Capture | None:
    """Which part of an answer gets a name."""
    said = Said.of(scalar)
    match = _CAPTURE.fullmatch(scalar.text)
    if match is None or len(scalar.text) > 2 * MAX_PHRASE:
        out.add("PS204", "this says nothing that could be captured", said.span, "write a JSON path such as `$.id`")
        return None
    source, _, fallback = _split_fallback(match["source"])
    part = Said(source, said.at(match.start("source"), match.start("source") + len(source)))
    found = _source(part, out)
    if found is None:
        return None
    kind, argument, path = found
    take = cast('Literal["first", "all", "random", "count"]', match["take"] or "first")
    return Capture(kind, argument, path, take, bool(match["secret"]), fallback if _ else None)


def _split_fallback(text: str) -> tuple[str, str, str]:
    """At the last ` or ` outside of brackets and quotes of a path."""
    head, found, tail = text.rpartition(" or ")
    if not found or (head.startswith(("$", "css ")) and head.count("[") != head.count("]")):
        return text, "", ""
    return head.rstrip(), found, tail.strip()


_Source = tuple[Literal["json", "header", "cookie", "regex", "css"], str, tuple[str | int, ...]]


def _source(said: Said, out: Diagnostics) -> _Source | None:
    word, _, rest = said.text.partition(" ")
    rest = rest.strip()
    if said.text.startswith("$"):
        path = parse_json_path(said.text.rstrip(), said.span, out)
        return None if path is None else ("json", said.text.rstrip(), path)
    if word in ("header", "cookie"):
        if _HEADER.fullmatch(rest):
            return cast('Literal["header", "cookie"]', word), rest, ()
        out.add("PS204", f"`{word}` needs one name behind it", said.span, f"write `{word} Location`")
        return None
    if word in ("regex", "css"):
        return (cast('Literal["regex", "css"]', word), rest, ()) if _searchable(word, rest, said, out) else None
    out.add("PS204", f"`{shorten(said.text)}` is no part of an answer", said.span, _capture_fix(said.text, word, rest))
    return None


def _searchable(word: str, pattern: str, said: Said, out: Diagnostics) -> bool:
    if not pattern:
        fix = (
            "write `regex id=(\\d+)`"
            if word == "regex"
            else 'write `css a @href`; in quotes if it has a `#`: "css #id"'
        )
        out.add("PS204", f"`{word}` needs a pattern behind it", said.span, fix)
        return False
    at = said.text.rindex(pattern)
    part = Said(pattern, said.at(at, at + len(pattern)))
    return (_selector if word == "css" else _pattern)(pattern, part, out)


def _selector(selector: str, said: Said, out: Diagnostics) -> bool:
    try:
        compile_selector(selector)
    except SelectorError as error:
        out.add("PS204", str(error), said.span, error.fix)
        return False
    return True


def _header_meant(text: str) -> str | None:
    """The name of the header that other tools write as `headers.Location` or `header-location`."""
    if match := _HEADER_OF.fullmatch(text):
        return match["name"] or match["quoted"]
    return text if text.lower() in _HEADERS else None


def _capture_fix(text: str, word: str, rest: str) -> str:
    if rest.startswith("$"):
        near = nearest(word, ("secret", "all", "random", "count"))
        return f"write `{near} {rest}`" if near else f"write `{rest}`"
    if near := nearest(word, ("header", "cookie", "regex", "css")) if rest else None:
        return f"write `{near} {rest}`"
    if header := _header_meant(text):
        return f"write `header {header}`"
    if _DOTTED.fullmatch(text):
        return f"write `$.{text.lstrip('.')}`"
    return "write `$.path`, `header NAME`, `cookie NAME`, `regex ...` or `css ...`"
