"""Credentials that stand in a spec: specs are committed, reviewed and printed, so a literal one is public.

Found are a literal behind `bearer` and `basic`, values of the forms that well-known services give out, passwords in
addresses, private keys, addresses of webhooks, and what looks random under a key that says what it is. A value with
`${...}` is no literal, and a stand-in that nobody would guess to be real (`perf-local-key`) is let be.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.language.templates import OTHER_HOLE

__all__ = ["check_credentials"]

_SHAPES: Final = re.compile(
    r"""(?x)(?<![A-Za-z0-9])(?:
      sk[-_](?:live|test|proj|ant|or)[-_][A-Za-z0-9_-]{8,} | sk-[A-Za-z0-9]{20,} | [pr]k_live_[A-Za-z0-9]{8,}
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
    | xox[abeprs]-[A-Za-z0-9-]{10,} | (?:AKIA|ASIA)[A-Z0-9]{16} | AIza[A-Za-z0-9_-]{30,}
    | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,} | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_-]{30,}
    | hf_[A-Za-z0-9]{20,} | dop_v1_[a-f0-9]{40,}
    | eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
    | -----BEGIN\ (?:[A-Z]+\ )*PRIVATE\ KEY-----
    )[A-Za-z0-9_.-]*"""
)
_WEBHOOK: Final = re.compile(
    r"https?://(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks"
    r"|[\w.-]+\.webhook\.office\.com/webhookb2)/\S+"
)
_USER_INFO: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@${}]+:(?P<password>[^/\s@${}]+)@")
_SCHEME: Final = re.compile(r"\s*(?P<scheme>bearer|basic)\s+(?P<value>\S.*?)\s*", re.IGNORECASE)
_QUERY: Final = re.compile(r"[?&](?P<key>[\w-]+)=(?P<value>[^&\s${}]+)")
_TELLING: Final = re.compile(
    r"(?i)(?:^|[_-])(?:api[_-]?key|apikey|authorization|access[_-]?token|auth[_-]?token|token|secret|client[_-]?secret"
    r"|password|passwd|passphrase|private[_-]?key)$"
)
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_SHORTEST_RANDOM: Final = 16
_SHORTEST: Final = 6
_MOST_REPEATED: Final = 3.0
"""Bits per character: words repeat their letters more than random texts do."""
_MESSAGE: Final = "this looks like a real credential; specs are committed and printed"


@dataclass(frozen=True, slots=True)
class _Place:
    scalar: Scalar
    key: str
    parent: str


def check_credentials(root: Node, service: str, out: Diagnostics) -> None:
    """Report every literal credential of a file. `service` names the variable that is proposed."""
    for place in _scalars(root, "", ""):
        _check(place, service, out)


def _scalars(node: Node, key: str, parent: str) -> Iterator[_Place]:
    match node:
        case Mapping():
            for entry in node:
                yield from _scalars(entry.value, entry.key.text, key)
        case Sequence():
            for item in node:
                yield from _scalars(item, key, parent)
        case Scalar():
            yield _Place(node, key, parent)


def _check(place: _Place, service: str, out: Diagnostics) -> None:
    text = place.scalar.text
    if webhook := _WEBHOOK.search(text):
        _say(place.scalar, webhook.span(), _advice("webhook", "${secret.webhook}", service), out)
    elif (scheme := _SCHEME.fullmatch(text)) and _is_literal(place, scheme):
        basic = scheme["scheme"].lower() == "basic"
        user, colon, _ = scheme["value"].partition(":")
        instead = f"{user}:${{secret.password}}" if basic and colon else "${secret.api_key}"
        name = "password" if basic and colon else "api_key"
        _say(place.scalar, (0, len(text)), _advice(name, f"{scheme['scheme']} {instead}", service), out)
    elif shape := _SHAPES.search(text):
        _say(place.scalar, shape.span(), _advice("api_key", "${secret.api_key}", service), out)
    elif address := _USER_INFO.search(text):
        _say(place.scalar, address.span("password"), _advice("password", "${secret.password}", service), out)
    elif query := next((q for q in _QUERY.finditer(text) if _gives_away(q["key"], q["value"])), None):
        _say(place.scalar, query.span("value"), _advice("api_key", "${secret.api_key}", service), out)
    elif _gives_away(place.key, text):
        name = "password" if place.key.lower().startswith("pass") else "api_key"
        _say(place.scalar, (0, len(text)), _advice(name, f"${{secret.{name}}}", service), out)


def _is_literal(place: _Place, scheme: re.Match[str]) -> bool:
    """Is this a way to authenticate, and its value written out? Prose may begin with `basic`, too."""
    if place.key != "auth" and place.key.lower() not in ("authorization", "proxy-authorization"):
        return bool(_SHAPES.search(scheme["value"]))
    secret = scheme["value"].partition(":")[2] if ":" in scheme["value"] else scheme["value"]
    return "${" not in secret and not OTHER_HOLE.fullmatch(secret) and len(secret) >= _SHORTEST


def _gives_away(key: str, value: str) -> bool:
    """A long random text under a key that says it is a secret."""
    if not _TELLING.search(key) or "${" in value or len(value) < _SHORTEST_RANDOM or " " in value:
        return False
    if _VARIABLE.fullmatch(value):
        return False
    kinds = sum(any(test(char) for char in value) for test in (str.isdigit, str.isalpha))
    return kinds == 2 and _bits(value) > _MOST_REPEATED and not value.startswith("$.")


def _bits(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _advice(name: str, instead: str, service: str) -> str:
    variable = re.sub(r"\W+", "_", f"{service}_{name}".strip("_")).upper()
    return f"add `secrets: {{{name}: {variable}}}` and write `{instead}`"


def _say(scalar: Scalar, stretch: tuple[int, int], advice: str, out: Diagnostics) -> None:
    span = scalar.span if stretch == (0, len(scalar.text)) and not scalar.quoted else scalar.at(*stretch)
    out.add("PS701", _MESSAGE, span, advice)
