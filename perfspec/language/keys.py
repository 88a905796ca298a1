"""Which keys of a map exclude, need or do not suit each other: the notes one_of, goes_with, needs and kinds.

A step has exactly one verb, and its other keys must suit that verb. What another file may add (`partial`, `needs`) is
asked for only when all files are merged.
"""

from collections.abc import Iterator

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.annotations import Place, Subschema
from perfspec.language.nodes import Entry, Mapping, Scalar, Sequence
from perfspec.language.structure import example, lacks, narrow, nearest, other_name, stray_verb, unknown_keys

__all__ = ["check", "check_whole"]

_MAX_LISTED = 7


def check(place: Place, out: Diagnostics) -> None:
    """What can be judged in one file."""
    if "merge_by" in place.annotation and isinstance(place.node, Sequence):
        _twice(place.node, place.annotation["merge_by"], out)
    if place.is_key or not isinstance(place.node, Mapping):
        return
    for rule in place.annotation.get("one_of", ()):
        present = [entry for entry in place.node if entry.key.text in rule["keys"]]
        if len(present) > 1:
            _too_many(rule, present, out)
        elif not present and "none" in rule and not rule.get("partial"):
            _none(rule, place, out)
        elif present and "none" in rule:
            _suits(place, present[0].key.text, out)
    if place.pointer == "":
        _refused(place, out)


def _twice(node: Sequence, by: str, out: Diagnostics) -> None:
    """Entries that are found by name need different names."""
    first: dict[str, Scalar] = {}
    for item in node:
        name = item.get(by) if isinstance(item, Mapping) else None
        if isinstance(name, Scalar) and first.setdefault(name.text, name) is not name:
            out.add("PS004", f"`{name.text}` is here twice; only one of them could be adjusted", name.span,
                    "give it another name", related=((first[name.text].span, "first"),))  # fmt: skip


def check_whole(place: Place, out: Diagnostics) -> None:
    """What can be judged only when all files are merged."""
    if place.is_key or not isinstance(place.node, Mapping):
        return
    for rule in place.annotation.get("one_of", ()):
        missing = not any(entry.key.text in rule["keys"] for entry in place.node)
        if missing and rule.get("partial"):
            _none(rule, place, out)
    needs = place.annotation.get("needs", ())
    if place.pointer == "":
        needs = place.annotation["kinds"].get(_kind(place.node), {}).get("needs", ())
    instead = place.annotation.get("instead", {})
    for key in needs:
        if lacks(place.schema, place.node, key) and place.node.entry(instead.get(key, key)) is None:
            noun = place.annotation.get("noun", "this map")
            shown = _shown(place.schema, key)
            out.add(
                "PS102",
                f"`{key}` is missing in {noun}",
                _head(place),
                f"add `{key}: {shown}`" if shown else f"add `{key}:`",
            )


def _kind(root: Mapping) -> str:
    kind = root.get("kind")
    return kind.text if isinstance(kind, Scalar) else "service"


def _refused(place: Place, out: Diagnostics) -> None:
    assert isinstance(place.node, Mapping)
    kind = _kind(place.node)
    refuses = place.annotation["kinds"].get(kind, {}).get("refuses", ())
    for entry in place.node:
        if entry.key.text in refuses:
            text = f"a file of `kind: {kind}` has no `{entry.key.text}`"
            out.add("PS111", text, entry.key.span, f"remove it, or remove `kind: {kind}`")


def _head(place: Place) -> Span:
    """Where a map is named: its key; in a list its first key."""
    assert isinstance(place.node, Mapping)
    if place.pointer == "" and place.node.entries:
        return place.node.entries[0].key.span
    in_list = place.pointer.rpartition("/")[2].isdigit()
    return place.key.span if place.key and not in_list else narrow(place.node)


def _shown(schema: Subschema, key: str) -> str:
    below = schema.get("properties", {}).get(key, {})
    return example(below)


def _too_many(rule: Subschema, present: list[Entry], out: Diagnostics) -> None:
    words = [f"`{entry.key.text}`" for entry in present]
    listed = ", ".join(words[:-1]) + f" and {words[-1]}"
    second = present[1]
    if not rule.get("split"):
        fix = "keep one"
    elif isinstance(second.value, Scalar) and second.value.text:
        fix = f"start a new step: `- {second.key.text}: {second.value.text}`"
    else:
        fix = f"start a new step: `- {second.key.text}:`"
    message = rule.get("message") or f"{rule['rule']}; this one has {listed}"
    out.add(rule["many"], message, second.key.span, rule.get("hint") or fix)


_LOOPS = ("while", "do_while", "loop_while", "repeat_until", "repeat_while")
"""What other languages call a loop of which nobody knows how often it goes round."""


def _none(rule: Subschema, place: Place, out: Diagnostics) -> None:
    assert isinstance(place.node, Mapping)
    if any(key.text in place.annotation.get("later", ()) for key in unknown_keys(place.schema, place.node)):
        return
    words = ", ".join(f"`{word}`" for word in rule["keys"][:_MAX_LISTED])
    words += ", ..." if len(rule["keys"]) > _MAX_LISTED else ""
    stray = stray_verb(place.schema, place.node)
    if stray is None:
        if all(lacks(place.schema, place.node, key) for key in rule["keys"]):
            out.add(rule["none"], f"{rule['rule']}; this one has none of {words}", _head(place), f"add one of {words}")
        return
    if stray.text.lower() in _LOOPS and "repeat" in rule["keys"]:
        fix = "write `repeat: 20 times`, and in it `when: ${...}` with the steps"
        out.add(rule["none"], f"there is no `{stray.text}`: a loop always has an end", stray.span, fix)
        return
    near = nearest(stray.text, _verbs(rule, place, stray)) or other_name(place.schema, stray.text)
    fix = f"did you mean `{near}`?" if near else f"write one of {words}"
    out.add(rule["none"], f"{rule['rule']}; `{stray.text}` is nothing it could do", stray.span, fix)


def _verbs(rule: Subschema, place: Place, stray: Scalar) -> list[str]:
    """The words that can be meant: what stands before a path is a request."""
    assert isinstance(place.node, Mapping)
    value = place.node.get(stray.text)
    verbs: list[str] = rule["keys"]
    if isinstance(value, Scalar) and value.text.startswith("/"):
        return place.annotation.get("groups", {}).get("request") or verbs
    return verbs


def _suits(place: Place, verb: str, out: Diagnostics) -> None:
    """Options beside a verb they do nothing for."""
    assert isinstance(place.node, Mapping)
    groups = place.annotation.get("groups", {})
    for entry in place.node:
        notes = place.schema.get("properties", {}).get(entry.key.text, {}).get("x-ps", {})
        wanted = notes.get("goes_with")
        if wanted is not None and verb not in set(_expanded(wanted, groups)):
            words = " or ".join("a request" if word == "request" else f"`{word}`" for word in wanted)
            text = f"`{entry.key.text}` does not belong to `{verb}`"
            out.add("PS403", text, entry.key.span, f"`{entry.key.text}` goes with {words}")


def _expanded(words: list[str], groups: Subschema) -> Iterator[str]:
    for word in words:
        yield from groups.get(word, [word])
