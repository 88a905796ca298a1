"""Phrases about load and data: users and ramps, pauses, reasons to abort, lengths, orders, shares, credentials."""

import re
from fractions import Fraction
from math import ceil
from typing import Final, Literal, cast

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration, format_share
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language import templates
from perfspec.language.expressions import ExpressionError
from perfspec.language.limits import RELATION, parse_limit_text, relation_of
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrases import AbortRule, Auth, Order, PauseRange, TextLength, UsersPhrase
from perfspec.language.quantities import MAX_NS, MAX_PHRASE, Said, nearly, parse_quantity, parse_share, shorten
from perfspec.language.slips import respelt_start
from perfspec.language.templates import OTHER_HOLE, Text

__all__ = [
    "parse_abort",
    "parse_auth",
    "parse_order",
    "parse_pause",
    "parse_text_length",
    "parse_users",
    "parse_users_range",
    "parse_weights",
]

MAX_USERS: Final = 1_000_000
MAX_CHARACTERS: Final = 10_000_000

_USERS = re.compile(r"(?P<one>\d+)|ramp (?P<start>\d+) to (?P<end>\d+)")
_TO = re.compile(r"(?P<low>\d+)\s*(?:to|-|\u2013|\.\.\.?|->|→|up to)\s*(?P<high>\d+)(?: users)?")
_LOOSE_RAMP = re.compile(
    r"(?:ramp(?:s|ing)?(?: up| down)?|from)\s+(?:from\s+)?(?P<low>\d+)\s*(?:to|-|->|→)\s*(?P<high>\d+)"
)
_PER = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?:users?|arrivals?|requests?)?\s*(?:/|per|a)\s*(?:s|sec|seconds?)")
_ABOUT = re.compile(r"(?:around|approximately|approx\.?|ca\.?|circa|~|roughly)\s*(?P<rest>.+)")
_BETWEEN = re.compile(
    r"(?:between|from)\s+(?P<low>\S+)\s+(?:and|to)\s+(?P<high>\S+)|(?P<low2>[^\s-]+)\s*(?:-|\u2013|\.\.)\s*(?P<high2>\S+)"
)
_LENGTH = re.compile(r"(?P<low>\d+)(?: to (?P<high>\d+))? (?P<unit>words?|characters?)")
_LOOSE_LENGTH = re.compile(r"(?P<low>\d+)(?:\s*(?:to|-|\u2013)\s*(?P<high>\d+))?\s*(?P<unit>[a-z]*)")
_ZIPF = re.compile(r"zipf (?P<exponent>\d+(?:\.\d+)?)")
_OTHER_ORDERS = {"sequential": "in order", "ordered": "in order", "inorder": "in order", "shuffle": "random",
                 "shuffled": "random", "unique": "once each", "once": "once each", "zipf": "zipf 1.1"}  # fmt: skip
_THRESHOLD_FAILS = re.compile(r"(?P<row>\S.*?) (?:threshold|thresholds) fails?(?: for (?P<for>\S+))?")
_NO_RESPONSES = re.compile(r"no (?:responses?|answers?)(?: for (?P<for>\S+))?")
_METRIC = re.compile(rf"(?P<metric>\S.*?)(?: of (?P<row>\S.*?))? (?P<limit>{RELATION} \S.*?)(?: for (?P<for>\S+))?")
_METRIC_SYMBOL = re.compile(
    r"(?P<metric>[a-z_][\w. ]*?)\s*(?P<limit>(?:[<>]=?|above|below|more than|less than)\s*\S+)(?P<rest> for \S+)?"
)


def parse_users(scalar: Scalar, out: Diagnostics) -> UsersPhrase | None:
    """`50`, or `ramp 0 to 50`."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = _USERS.fullmatch(text)
    if match is None:
        out.add("PS508", *_no_users(text, scalar))
        return None
    start, end = (int((match[name] or match["one"])[:9]) for name in ("start", "end"))
    if max(start, end) == 0 or max(start, end) > MAX_USERS:
        what = "at least one user" if max(start, end) == 0 else f"at most {MAX_USERS:,} users"
        out.add("PS508", f"a phase has {what}", scalar.span, "write `50` or `ramp 0 to 50`")
        return None
    return UsersPhrase(start, end)


def parse_users_range(scalar: Scalar, out: Diagnostics) -> UsersPhrase | None:
    """`5 to 300`: between which numbers of users to search."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    match = re.fullmatch(r"(\d{1,7}) to (\d{1,7})", text)
    if match is None:
        loose = _LOOSE_RAMP.fullmatch(text) or _TO.fullmatch(text)
        fix = f"write `{loose['low']} to {loose['high']}`" if loose else "write `5 to 300`"
        out.add("PS508", f"`users` to search needs a range, found `{shorten(text)}`", scalar.span, fix)
        return None
    low, high = int(match[1]), int(match[2])
    if not 0 < low < high <= MAX_USERS:
        fix = f"write `{high} to {low}`" if 0 < high < low <= MAX_USERS else "write `5 to 300`"
        out.add("PS207", f"`{text}` is no range to search", scalar.span, fix)
        return None
    return UsersPhrase(low, high)


def parse_pause(scalar: Scalar, out: Diagnostics) -> PauseRange | None:
    """`2s`, `1s to 3s` or `about 2s`."""
    said = Said.of(scalar)
    text = scalar.text.strip()
    if len(text) > MAX_PHRASE:
        out.add("PS202", "this is too long for a pause", said.span, "write `2s`, `1s to 3s` or `about 2s`")
        return None
    about = text.startswith("about ")
    low_text, _, high_text = text.removeprefix("about ").partition(" to ")
    if about and high_text:
        out.add("PS207", "`about` goes with one duration", said.span, f"write `{low_text} to {high_text}`")
        return None
    low = _pause_time(text, low_text.strip(), high_text.strip() or low_text.strip(), said, out)
    high = _pause_time(text, high_text.strip(), low_text.strip(), said, out) if high_text and low is not None else low
    if low is None or high is None:
        return None
    if low > high:
        out.add("PS207", f"`{text}` runs backwards", said.span, f"write `{high_text} to {low_text}`")
        return None
    return PauseRange(low, high, "about" if about else "even" if high_text else "fixed")


def _pause_time(text: str, part: str, other: str, said: Said, out: Diagnostics) -> int | None:
    quantity = parse_quantity(part)
    if quantity and quantity.unit == "time" and quantity.value <= MAX_NS:
        return int(quantity.value)
    start = said.text.find(part)
    span = said.at(start, start + len(part)) if part else said.span
    if quantity and quantity.unit == "number":
        unit = other.lstrip("0123456789.")
        fixed = text.replace(part, f"{part}{unit}", 1) if unit else ""
        out.add("PS201", "`pause` needs a unit", span, f"write {fixed}" if fixed else f"write {part}s or {part}ms")
        return None
    out.add("PS202", f"`{shorten(part)}` is no pause", span, f"write `{_meant_pause(text)}`")
    return None


def _meant_pause(text: str) -> str:
    if match := _ABOUT.fullmatch(text):
        return f"about {nearly(match['rest']) or match['rest']}"
    if match := _BETWEEN.fullmatch(text):
        low, high = match["low"] or match["low2"], match["high"] or match["high2"]
        return f"{low} to {high}"
    if about := respelt_start(text, ("about",)):
        return about
    words = text.split()
    if len(words) == 3 and parse_quantity(words[0]) and parse_quantity(words[2]):
        return f"{words[0]} to {words[2]}"
    low, _, high = text.partition(" to ")
    if high:
        return f"{nearly(low) or low} to {nearly(high) or high}"
    return nearly(text) or "2s"


def parse_text_length(scalar: Scalar, out: Diagnostics) -> TextLength | None:
    """`40 to 400 words`, `${prompt_words} words`."""
    if "${" in scalar.text:
        return _drawn_length(scalar, out)
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    if match := _LENGTH.fullmatch(text):
        low, high = int(match["low"][:12]), int((match["high"] or match["low"])[:12])
        if low > high:
            out.add("PS207", f"`{text}` runs backwards", scalar.span, f"write `{high} to {low} {match['unit']}`")
            return None
        if not 0 < high <= MAX_CHARACTERS:
            out.add("PS202", f"`{shorten(text)}` is no length", scalar.span, f"write 1 to {MAX_CHARACTERS:,} words")
            return None
        return TextLength(low, high, "words" if match["unit"].startswith("word") else "characters")
    match = _LOOSE_LENGTH.fullmatch(text)
    fixed = f"{match['low']} to {match['high']}" if match and match["high"] else match["low"] if match else ""
    if match and not match["unit"]:
        out.add("PS201", "`text` needs a unit", scalar.span, f"write `{fixed} words` or `{fixed} characters`")
    else:
        unit = "characters" if match and match["unit"].startswith("c") else "words"
        fix = f"write `{fixed} {unit}`" if fixed else "write `40 to 400 words`"
        out.add("PS202", f"`text` needs a length, found `{shorten(text)}`", scalar.span, fix)
    return None


def _drawn_length(scalar: Scalar, out: Diagnostics) -> TextLength | None:
    """Each hole stands where a number would. What is wrong inside of one has been reported."""
    try:
        parts = templates.parse(scalar.text)
    except ExpressionError:
        return None
    skeleton, holes = "", {}
    for part in parts:
        if isinstance(part, templates.Hole):
            holes[len(skeleton)] = Text(scalar.text[part.start : part.end], scalar.at(part.start, part.end))
        skeleton += part if isinstance(part, str) else "0"
    match = _LENGTH.fullmatch(skeleton)
    if match and all(at in (match.start("low"), match.start("high")) for at in holes):
        low = holes.get(match.start("low"), int(match["low"][:12]))
        high = holes.get(match.start("high"), int(match["high"][:12])) if match["high"] else low
        return TextLength(low, high, "words" if match["unit"].startswith("word") else "characters")
    hole = next(iter(holes.values())).source
    fix = f"write `{hole} words` or `{hole} characters`"
    if len(parts) == 1:
        out.add("PS201", "`text` needs a unit", scalar.span, fix)
    else:
        out.add("PS202", f"`text` needs a length, found `{shorten(scalar.text)}`", scalar.span, fix)
    return None


def parse_order(scalar: Scalar, out: Diagnostics) -> Order | None:
    """`zipf 1.1`, `in order`, `random` or `once each`."""
    text = " ".join(scalar.text[:MAX_PHRASE].split())
    if text in ("random", "in order", "once each"):
        return Order(cast('Literal["random", "in order", "once each"]', text))
    if (match := _ZIPF.fullmatch(text)) and 0 < float(match["exponent"]) <= 10:
        return Order("zipf", float(match["exponent"]))
    spelt = text.lower().replace("_", " ").replace("-", " ")
    near = _OTHER_ORDERS.get(spelt) or (spelt if spelt in ("random", "in order", "once each") else None)
    fix = f"write `{near}`" if near else "write `zipf 1.1`, `in order`, `random` or `once each`"
    out.add("PS208", f"`order` cannot be `{shorten(text)}`", scalar.span, fix)
    return None


def parse_auth(scalar: Scalar, out: Diagnostics) -> Auth | None:
    """`bearer TOKEN`, `basic USER:PASSWORD` or `none`; the rest may hold `${...}`."""
    scheme, _, rest = scalar.text.strip().partition(" ")
    if scheme.lower() == "bearer" and (other := OTHER_HOLE.fullmatch(rest.strip())):
        message = f"`{shorten(rest.strip())}` is a hole as other tools write it"
        out.add("PS209", message, scalar.span, f"write `bearer ${{{other['bare'] or other['in']}}}`")
        return None
    if scheme == "none" and not rest:
        return Auth("none")
    if scheme in ("bearer", "basic") and rest.strip():
        return Auth(cast('Literal["bearer", "basic"]', scheme), rest.strip())
    if scheme.lower() in ("bearer", "basic") and rest:
        fix = f"write `{scheme.lower()} {shorten(rest)}`"
    elif scheme in ("bearer", "basic"):
        fix = "write `bearer ${secret.api_key}`" if scheme == "bearer" else "write `basic user:${secret.password}`"
    else:
        fix = "write `bearer ${secret.api_key}`, `basic user:${secret.password}` or `none`"
    out.add("PS209", "`auth` is `bearer ...`, `basic user:...` or `none`", scalar.span, fix)
    return None


def parse_weights(node: Mapping, out: Diagnostics) -> tuple[tuple[Scalar, Fraction], ...] | None:
    """Values and their shares: `{10: 70%, 25: 30%}`."""
    found = []
    for entry in node:
        if isinstance(entry.value, Scalar):
            share = parse_share(entry.value, entry.key.text, out)
            found += [(entry.key, share)] if share is not None else []
    if len(found) < len(node):
        return None
    total = sum((share for _, share in found), Fraction(0))
    if total != 1:
        out.add(
            "PS210", f"the shares add up to {format_share(total)}, not to 100%", node.span, "make them add up to 100%"
        )
        return None
    return tuple(found)


def parse_abort(scalar: Scalar, out: Diagnostics) -> AbortRule | None:
    """A reason to end a run before its time."""
    said = Said(" ".join(scalar.text.split()), scalar.content)
    text = said.text
    if len(text) > MAX_PHRASE:
        out.add("PS509", "this is too long for a reason to abort", said.span, "write `errors threshold fails`")
        return None
    if match := _NO_RESPONSES.fullmatch(text):
        for_ns = _for(said, match, out, "no responses for 15s")
        return AbortRule("no responses", "all", "", None, for_ns, text, scalar.span) if for_ns else None
    if match := _THRESHOLD_FAILS.fullmatch(text):
        for_ns = _for(said, match, out, text) if match["for"] else 0
        return None if for_ns is None else AbortRule("threshold", match["row"], "", None, for_ns, text, scalar.span)
    if match := _METRIC.fullmatch(text):
        limit = parse_limit_text(match["limit"], said.group(match, "limit").span, out)
        for_ns = _for(said, match, out, f"{text} for 30s")
        if limit is None or not for_ns:
            return None
        return AbortRule("metric", match["row"] or "all", match["metric"], limit, for_ns, text, scalar.span)
    out.add("PS509", f"`{shorten(text)}` is no reason to abort", said.span, f"write {_meant_abort(text)}")
    return None


def _meant_abort(text: str) -> str:
    if match := _METRIC_SYMBOL.fullmatch(text):
        limit = relation_of(match["limit"])
        if limit:
            return f"`{match['metric'].strip()} {limit}{match['rest'] or ' for 30s'}`"
    return "`errors threshold fails`, `errors over 25% for 30s` or `no responses for 15s`"


def _for(said: Said, match: re.Match[str], out: Diagnostics, whole: str) -> int | None:
    """The time behind `for`, in nanoseconds. Without it a reading of one second would end the run."""
    if not match["for"]:
        out.add("PS509", "this reason to abort needs a time", said.span, f"write `{whole}`")
        return None
    quantity = parse_quantity(match["for"])
    part = said.group(match, "for")
    if quantity and quantity.unit == "time" and 0 < quantity.value <= MAX_NS:
        seconds = ceil(quantity.value / SECOND)
        if quantity.value == seconds * SECOND:
            return int(quantity.value)
        message = f"a run is looked at once a second, and `{part.text}` is no number of whole seconds"
        out.add("PS509", message, part.span, f"write for {format_duration(seconds * SECOND)}")
        return None
    near = nearly(part.text)
    number = quantity and quantity.unit == "number"
    code, message = ("PS201", "`for` needs a unit") if number else ("PS202", f"`{shorten(part.text)}` is no duration")
    fix = f"write for {part.text}s or {part.text}ms" if number else f"write for {near or '30s'}"
    out.add(code, message, part.span, fix)
    return None


def _no_users(text: str, scalar: Scalar) -> tuple[str, Span, str]:
    """Message, place and fix for what is no number of users."""
    if match := _PER.fullmatch(text):
        fix = f"did you mean `arrivals: {match['number']}/s`?"
        return "`users` are a number of people, not so many a second", scalar.span, fix
    match = _TO.fullmatch(text) or _LOOSE_RAMP.fullmatch(text)
    if match:
        return (
            f"`{text}` does not say how users come and go",
            scalar.span,
            f"write `ramp {match['low']} to {match['high']}`",
        )
    if number := re.fullmatch(r"(\d+)(?:\.0+| (?:virtual )?users?| vus?)", text, re.IGNORECASE):
        return f"`users` needs a number or a ramp, found `{shorten(text)}`", scalar.span, f"write `{number[1]}`"
    return f"`users` needs a number or a ramp, found `{shorten(text)}`", scalar.span, "write `50` or `ramp 0 to 50`"
