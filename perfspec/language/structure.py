"""A breach of the schema in the words of its reader: what stands there, what belongs there, what to write instead."""

import re
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Words
from difflib import get_close_matches
from typing import Any, NamedTuple

from jsonschema import ValidationError

from perfspec.diagnostics.diagnostic import Diagnostics, Edit
from perfspec.diagnostics.source import Span
from perfspec.language.annotations import Place, Subschema, resolve
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence
from perfspec.language.scalars import lookalike
from perfspec.language.scalars import resolve as value_of
from perfspec.language.slips import slipped
from perfspec.language.templates import OTHER_HOLE

__all__ = ["example", "known_keys", "lacks", "nearest", "other_name", "report", "sample", "unknown_keys"]

_KINDS = {"string": "a text", "number": "a number", "integer": "a whole number", "boolean": "`true` or `false`",
          "array": "a list", "object": "a map"}  # fmt: skip
_ADDRESS = re.compile(r"https?:/?/?[^/\s]*(/\S*)?", re.IGNORECASE)
_PLAIN_PATH = re.compile(r"[\w.~%-]\S*")
_EQUALS = re.compile(r"(\$\S*|status)\s*(?:==?|is|:)\s*(.+)")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_MAX_LISTED = 12
_MAX_UNKNOWN = 50
"""In one map; whoever has more of them has no spec, and looking for the right word of each takes its time."""


class _Breach(NamedTuple):
    document: Subschema
    """The whole schema."""
    schema: Subschema
    """The part that is broken, its references followed."""
    wanted: Any
    """What the broken word of it asks for."""
    error: ValidationError
    node: Node
    place: Place | None
    notes: Subschema
    out: Diagnostics

    @property
    def key(self) -> Scalar | None:
        return self.place.key if self.place else None

    @property
    def in_list(self) -> bool:
        return bool(self.error.absolute_path) and isinstance(self.error.absolute_path[-1], int)

    @property
    def subject(self) -> str:
        """How a message calls the value."""
        if self.in_list or not self.key:
            return self.notes.get("noun") or (f"an entry of `{self.key.text}`" if self.key else "a spec")
        return f"`{self.key.text}`"

    @property
    def span(self) -> Span:
        """Of the value; of its key where the value is empty."""
        empty = isinstance(self.node, Scalar) and not self.node.quoted and not self.node.text
        return self.key.span if empty and self.key and not self.in_list else narrow(self.node)

    @property
    def hint(self) -> str:
        return str(self.notes.get("hint", ""))

    def say(self, code: str, message: str, fix: str = "", span: Span | None = None) -> None:
        text = self.node.text if isinstance(self.node, Scalar) else ""
        message = str(self.notes.get("message", message)).replace("{text}", text[:40])
        self.out.add(self.notes.get("code", code), message, span or self.span, fix)


def report(document: Subschema, root: Node, error: ValidationError, places: dict[int, Place], out: Diagnostics) -> None:
    """Add what `error` found, at its node. `places` is by the id of the node."""
    node = _at(root, error.absolute_path)
    schema = resolve(document, error.schema if isinstance(error.schema, dict) else {})
    notes = schema.get("x-ps", {})
    breach = _Breach(document, schema, error.validator_value, error, node, places.get(id(node)), notes, out)
    path = error.absolute_schema_path
    if len(path) > 1 and path[-2] == "propertyNames":
        _name(breach)
    elif meant := _meant(breach, root, places):
        assert breach.key is not None
        out.add("PS101", f"`{breach.key.text}` is no key here", breach.key.span, f"did you mean `{meant}`?")
    else:
        _WORDS.get(str(error.validator), _misfit)(breach)


def _meant(breach: _Breach, root: Node, places: dict[int, Place]) -> str | None:
    """The key with a meaning of its own that a name was meant as: a list cannot be a row, but under `rules` it can."""
    path = list(breach.error.absolute_path)
    if breach.error.validator != "type" or not path or breach.in_list:
        return None
    around = places.get(id(_at(root, path[:-1])))
    if around is None or breach.key is None or path[-1] in around.schema.get("properties", {}):
        return None
    kind = {Mapping: "object", Sequence: "array"}.get(type(breach.node), "string")
    beside = {name: resolve(breach.document, below) for name, below in around.schema.get("properties", {}).items()}
    return nearest(breach.key.text, [name for name, below in beside.items() if kind in below.get("type", ())])


def _at(root: Node, path: Iterable[str | int]) -> Node:
    node = root
    for part in path:
        if isinstance(node, Sequence):
            node = node.items[int(part)]
        elif isinstance(node, Mapping):
            below = node.get(str(part))
            assert below is not None
            node = below
    return node


def narrow(node: Node) -> Span:
    """A value's span; of a map or list over several lines its first key or entry."""
    if isinstance(node, Mapping) and node.entries and not node.span.width:
        return node.entries[0].key.span
    if isinstance(node, Sequence) and node.items and not node.span.width:
        return narrow(node.items[0])
    return node.span


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    words = {known_word.lower(): known_word for known_word in known}
    slips = slipped(word.lower(), words)
    if len(slips) == 1:
        return words[slips[0]]
    near = get_close_matches(word.lower(), slips or words, 1, cutoff=0.3 if slips else 0.65)
    return words[near[0]] if near else None


def unknown_keys(schema: Subschema, node: Mapping) -> list[Scalar]:
    """Keys of a map that its schema does not have."""
    if schema.get("additionalProperties") is not False:
        return []
    known = schema.get("properties", {})
    patterns = [re.compile(pattern) for pattern in schema.get("patternProperties", {})]
    keys = (entry.key for entry in node)
    return [key for key in keys if key.text not in known and not any(pattern.search(key.text) for pattern in patterns)]


def known_keys(schema: Subschema) -> list[str]:
    return list(schema.get("properties", {}))


def _unknown(breach: _Breach) -> None:
    schema = breach.schema
    assert isinstance(breach.node, Mapping)
    noun = breach.notes.get("noun") or breach.subject
    for key in unknown_keys(schema, breach.node)[:_MAX_UNKNOWN]:
        if key.text in breach.notes.get("later", ()):
            breach.out.add("PS902", f"`{key.text}` is not built yet", key.span, "leave it out for now")
            continue
        if stray_verb(schema, breach.node) is key:  # the rule that asks for a verb reports it
            continue
        breach.out.add("PS101", f"unknown key `{key.text}` in {noun}", key.span,
                       _suggest(breach, breach.node, key.text, known_keys(schema)))  # fmt: skip


def stray_verb(schema: Subschema, node: Mapping) -> Scalar | None:
    """The unknown key of a step without a verb that was probably meant as its verb."""
    for rule in schema.get("x-ps", {}).get("one_of", ()):
        if rule.get("split") and not any(entry.key.text in rule["keys"] for entry in node):
            options = [key for key in known_keys(schema) if key not in rule["keys"]]
            for key in unknown_keys(schema, node)[:_MAX_UNKNOWN]:
                near = nearest(key.text, known_keys(schema)) or other_name(schema, key.text)
                if near is None or near not in options:
                    return key
    return None


def _suggest(breach: _Breach, node: Mapping, key: str, known: Words[str]) -> str:
    verbs = {word for rule in breach.notes.get("one_of", ()) if rule.get("split") for word in rule["keys"]}
    options = [word for word in known if word not in verbs] if any(node.entry(verb) for verb in verbs) else known
    if (exact := said_elsewhere(breach.schema, key)) and node.entry(exact) is None:
        return f"did you mean `{exact}`?"
    free = slipped(key, [word for word in options if node.entry(word) is None])
    if near := nearest(key, free or options) or other_name(breach.schema, key):
        return f"did you mean `{near}`?" if node.entry(near) is None else f"`{near}` is here already; remove this one"
    if breach.error.absolute_path and key in breach.document["properties"]:
        return f"`{key}` belongs at the left edge of the file"
    for parent, below in breach.schema.get("properties", {}).items():
        inner = resolve(breach.document, below)
        if key in resolve(breach.document, inner.get("items", inner)).get("properties", {}):
            return f"`{key}` belongs under `{parent}`"
    listed = ", ".join(f"`{word}`" for word in known[:_MAX_LISTED])
    return f"known here: {listed}" + (", ..." if len(known) > _MAX_LISTED else "") if known else "remove it"


def said_elsewhere(schema: Subschema, word: str) -> str | None:
    """The key that is called exactly so elsewhere."""
    also = {name: str(key) for key, below in schema.get("properties", {}).items()
            for name in below.get("x-ps", {}).get("also", ())}  # fmt: skip
    return also.get(word.lower())


def other_name(schema: Subschema, word: str) -> str | None:
    """The key that other tools call `word`."""
    for key, below in schema.get("properties", {}).items():
        if get_close_matches(word.lower(), below.get("x-ps", {}).get("also", ()), 1, cutoff=0.85):
            return str(key)
    return None


def lacks(schema: Subschema, node: Mapping, key: str) -> bool:
    """Whether a key is missing, and not only misspelt: that is said where the misspelt key stands."""
    strangers = [stranger.text for stranger in unknown_keys(schema, node)[:_MAX_UNKNOWN]]
    misspelt = nearest(key, strangers) or any(other_name(schema, word) == key for word in strangers)
    return node.entry(key) is None and not misspelt


def _missing(breach: _Breach) -> None:
    assert isinstance(breach.node, Mapping)
    schema = breach.schema
    for key in breach.wanted:
        if lacks(schema, breach.node, key):
            noun = breach.notes.get("noun") or breach.subject
            fix = sample(breach.document, schema, key)
            breach.out.add("PS102", f"`{key}` is missing in {noun}", narrow(breach.node), fix)


def _dependency(breach: _Breach) -> None:
    assert isinstance(breach.node, Mapping)
    schema = breach.schema
    for key, needed in breach.wanted.items():
        entry = breach.node.entry(key)
        for need in needed if entry else ():
            if entry and lacks(schema, breach.node, need):
                fix = sample(breach.document, schema, need)
                breach.out.add("PS102", f"`{key}` needs `{need}` beside it", entry.key.span, fix)


def sample(document: Subschema, schema: Subschema, key: str) -> str:
    """`add `timeout: 5s``: a key as one would write it."""
    below = resolve(document, schema["properties"][key])
    shown = example(below)
    return f"add `{key}: {shown}`" if shown else f"add `{key}:`"


def example(schema: Subschema) -> str:
    """The first example of a subschema as YAML on one line; empty if it is long."""
    shown = _inline(schema["examples"][0]) if schema.get("examples") else ""
    return shown if len(shown) <= 60 else ""


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(below) for below in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _kind(breach: _Breach) -> None:
    if isinstance(breach.node, Scalar) and breach.node.text.startswith("*") and not breach.node.quoted:
        return  # PS006 has said so: unquoted, YAML would repeat what stands elsewhere
    wanted = breach.wanted
    wanted = [wanted] if isinstance(wanted, str) else list(wanted)
    if "string" in wanted:
        wanted = [kind for kind in wanted if kind not in ("number", "boolean", "null")]
    expected = " or ".join(_KINDS[kind] for kind in wanted if kind in _KINDS)
    shown = example(breach.schema)
    if isinstance(breach.node, Scalar) and breach.node.value is None:
        start = f"{breach.key.text}: " if breach.key and not breach.in_list else ""
        fix = f"write `{start}{shown}`" if shown else breach.hint
        breach.out.add("PS103", f"{breach.subject} is empty; {expected} belongs here", breach.span, fix)
        return
    message = f"{breach.subject} needs {expected}, found {_found(breach.node)}"
    fix = _said_otherwise(breach) or breach.hint or _reshape(breach.node, wanted, shown)
    breach.out.add("PS103", message, breach.span, fix, edits=_looks_like(breach.node, wanted))


def _said_otherwise(breach: _Breach) -> str:
    """What was meant by a value of another kind, where its own words say it."""
    if not isinstance(breach.node, Scalar):
        return str(breach.notes.get("map_hint", "")) if isinstance(breach.node, Mapping) else ""
    text = breach.node.text.strip()
    if breach.notes.get("shape") == "expectations":
        found = _EQUALS.fullmatch(text)
        meant = (found[1], found[2].strip("\"'")) if found else ("status", text if text.isdigit() else "200")
        return f"write `{{{meant[0]}: {meant[1]}}}`"
    word, _, rest = text.partition(" ")
    if breach.in_list and word in breach.schema.get("properties", {}):  # `- get /a`, `- stop`
        return f"write `{word}: {rest.strip() or example(resolve(breach.document, breach.schema['properties'][word]))}`"
    percent = _PERCENT.fullmatch(text)
    return f"write {percent[1]}" if percent and breach.wanted == "number" else ""


def _looks_like(node: Node, wanted: Words[str]) -> tuple[Edit, ...]:
    """What older YAML would have read into a text is the only thing it can mean where no text can stand."""
    meant = lookalike(node.text) if isinstance(node, Scalar) and not node.quoted else None
    kinds = {"boolean": bool, "integer": int, "number": int}
    fits = meant is not None and len(wanted) == 1 and type(value_of(meant)) is kinds.get(wanted[0])
    return (Edit(node.span, meant),) if meant is not None and fits else ()


def _found(node: Node) -> str:
    match node:
        case Mapping():
            return "a map"
        case Sequence():
            return "a list"
    if isinstance(node.value, bool):
        return f"`{node.text}`"
    if isinstance(node.value, int | float):
        return f"the number `{node.text[:40]}`"
    return f"the text `{node.text if len(node.text) <= 40 else node.text[:39] + '…'}`".replace("\n", " ")


def _reshape(node: Node, wanted: Words[str], shown: str) -> str:
    """How to turn what stands there into what belongs there."""
    if isinstance(node, Scalar):
        if "string" in wanted:
            return f'write "{node.text}"'
        if wanted == ["array"] and not shown.startswith("[{"):
            return f"write `[{node.text}]`"
    elif isinstance(node, Mapping) and "array" in wanted:
        return "begin each entry with `- `"
    elif isinstance(node, Sequence) and "object" in wanted and not shown:
        return "write lines of `key: value`, without `- `"
    return f"write `{shown}`" if shown else ""


def _choice(breach: _Breach) -> None:
    allowed = [str(value) for value in breach.wanted]
    if not isinstance(breach.node, Scalar) or breach.node.value is None:
        breach.say("PS104", f"{breach.subject} needs one of the words {_listed(allowed)}", f"write `{allowed[0]}`")
        return
    near = nearest(breach.node.text, allowed)
    fix = breach.hint or (f"did you mean `{near}`?" if near else f"write {_listed(allowed)}")
    breach.say("PS104", f"{breach.subject} cannot be `{breach.node.text[:40]}`", fix)


def _listed(words: Words[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return " or ".join(quoted) if len(quoted) < 3 else ", ".join(quoted[:-1]) + f" or {quoted[-1]}"


def _name(breach: _Breach) -> None:
    assert isinstance(breach.node, Mapping)
    entry = breach.node.entry(str(breach.error.instance))
    assert entry is not None
    breach.say("PS106", f"`{entry.key.text}` cannot be a name", breach.hint, entry.key.span)


def _empty(breach: _Breach) -> None:
    shown = example(breach.schema)
    fix = breach.hint or (f"write `{shown}`" if shown else "add an entry, or remove the key")
    breach.out.add("PS112", f"{breach.subject} is empty", breach.key.span if breach.key else breach.span, fix)


def _misfit(breach: _Breach) -> None:
    text = breach.node.text if isinstance(breach.node, Scalar) else ""
    message = f"{breach.subject} cannot be `{text[:40]}`" if text else f"{breach.subject} is an empty text"
    shown = example(breach.schema)
    breach.out.retract("PS007", breach.span)
    if breach.notes.get("template") == "url" and text:
        breach.say("PS113", message, _path_meant(text))
        return
    breach.say("PS113", message, breach.hint or (f"write something like `{shown}`" if shown else ""))


def _path_meant(text: str) -> str:
    """What to write for a path that does not begin with `/`."""
    if other := OTHER_HOLE.fullmatch(text):
        return f"write `${{{other['bare'] or other['in']}}}`"
    if found := _ADDRESS.fullmatch(text):
        return f"write `{found[1] or '/'}`; `http://...` and the host are the `url` of the environment"
    return f"a path begins with `/`: write `/{text}`" if _PLAIN_PATH.fullmatch(text) else "a path begins with `/`"


_WORDS: dict[str, Callable[[_Breach], None]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "dependencies": _dependency,
    "type": _kind,
    "enum": _choice,
    "minItems": _empty,
    "minProperties": _empty,
}
