"""A spec and the files it includes -> one document. Every key keeps the place where it was written.

An entry with the same name adjusts the included one: maps are merged key by key, everything else is replaced, and in
lists that the schema marks (`merge_by`: the phases of a stage) entries are found by their name. Later includes adjust
earlier ones, the including file adjusts them all. What a file says of itself (perfspec, kind, include, about, owner)
is not included.

Files are read by a function that is handed in; it returns None for a file that is not there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from posixpath import basename, dirname, join, normpath
from typing import Final

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Source, Span
from perfspec.language.annotations import Subschema, resolve, subschema
from perfspec.language.check import check_thresholds, check_words
from perfspec.language.compose import compose
from perfspec.language.credentials import check_credentials
from perfspec.language.nodes import Entry, Mapping, Node, Scalar, Sequence
from perfspec.language.schema import Schema

__all__ = ["Loaded", "Read", "is_shared", "load", "merge"]

Read = Callable[[str], str | None]
_OWN_WORDS = frozenset({"perfspec", "kind", "include", "about", "owner"})
_MAX_CHAIN: Final = 20


@dataclass(frozen=True, slots=True)
class Loaded:
    merged: Mapping | None
    """The spec with all it includes; None where a file could not be read at all."""
    sources: dict[str, Source]
    """Every file read, by the path that its spans carry."""


def load(path: str, read: Read, schema: Schema, out: Diagnostics, root: str | None = None) -> Loaded:
    """Read a spec and its includes, check each file, merge them, check the whole.

    Paths are joined with `/`. Includes must stay inside `root`, which must be spelled like `path` (both absolute or
    both relative to the same folder); None sets no bound.
    """
    loading = _Loading(read, schema, out, None if root is None else normpath(root))
    merged = loading.file(normpath(path), (), None)
    if merged is not None and loading.complete and not is_shared(merged):
        schema.check_whole(merged, out)
        check_thresholds(merged, out)
    return Loaded(merged, loading.sources)


def is_shared(root: Mapping) -> bool:
    """Does the file hold parts for others, and nothing that can be run?"""
    kind = root.get("kind")
    return isinstance(kind, Scalar) and kind.text == "shared"


def _service(root: Node) -> str:
    service = root.get("service") if isinstance(root, Mapping) else None
    return service.text if isinstance(service, Scalar) else ""


@dataclass(slots=True)
class _Loading:
    read: Read
    schema: Schema
    out: Diagnostics
    root: str | None
    sources: dict[str, Source] = field(default_factory=dict)
    done: dict[str, Mapping | None] = field(default_factory=dict)
    complete: bool = True
    """False once a file is missing or unreadable: then nothing can be said to be missing in the whole."""

    def file(self, path: str, chain: tuple[str, ...], asked: Span | None) -> Mapping | None:
        """A file with its includes merged in. `chain`: the files that led here; `asked`: where this one was named."""
        if path in self.done:
            return self.done[path]
        node = self._node(path, asked)
        self.done[path] = None
        if isinstance(node, Mapping):
            self.done[path] = self._with_includes(node, path, (*chain, path))
        else:
            self.complete = False
        return self.done[path]

    def _node(self, path: str, asked: Span | None) -> Node | None:
        text = self.read(path)
        if text is None:
            span = asked or Span(path, 1, 1, 1, 1)
            self.out.add(
                "PS109", f"there is no file `{path}`", span, "the path is relative to this file" if asked else ""
            )
            return None
        self.sources[path] = Source(path, text)
        node = compose(self.sources[path], self.out)
        if node is not None:
            self.schema.check(node, self.out)
            check_words(node, self.schema, self.out)
            check_credentials(node, _service(node), self.out)
        if asked and isinstance(node, Mapping) and not is_shared(node):
            self.out.add("PS111", f"`{basename(path)}` is no file of `kind: shared`", asked,
                         f"add `kind: shared` to {path}, or move the shared parts to a file of their own")  # fmt: skip
            return None
        return node

    def _with_includes(self, node: Mapping, path: str, chain: tuple[str, ...]) -> Mapping:
        base: Mapping | None = None
        named = node.get("include")
        for item in named if isinstance(named, Sequence) else ():
            if not isinstance(item, Scalar) or not isinstance(item.value, str):
                continue
            included = self._included(item, path, chain)
            if included is not None:
                included = Mapping(tuple(e for e in included if e.key.text not in _OWN_WORDS), included.span)
                base = included if base is None else merge(base, included, self.schema.document)
        return node if base is None else merge(base, node, self.schema.document)

    def _included(self, item: Scalar, path: str, chain: tuple[str, ...]) -> Mapping | None:
        if problem := self._refused(item.text):
            message, fix = problem
            self.out.add("PS110", message, item.span, fix)
            self.complete = False
            return None
        target = normpath(join(dirname(path), item.text))
        if not self._inside(target):
            self.out.add(
                "PS110", f"`{item.text}` is outside of the project", item.span, "keep shared files beside the specs"
            )
        elif target in chain:
            circle = " -> ".join((*chain[chain.index(target) :], target))
            self.out.add(
                "PS105", f"files include each other in a circle: {circle}", item.span, "remove one of the includes"
            )
        elif len(chain) >= _MAX_CHAIN:
            self.out.add(
                "PS105", f"files include each other more than {_MAX_CHAIN} deep", item.span, "include it directly"
            )
        else:
            return self.file(target, chain, item.span)
        self.complete = False
        return None

    def _refused(self, text: str) -> tuple[str, str] | None:
        if "://" in text:
            return (
                f"`{text}` is no file of this repository",
                "copy it beside the specs; what a run does must not change elsewhere",
            )
        if text.startswith(("/", "~")) or "\\" in text:
            return f"`{text}` is not relative to this file", "write a path such as `shared/suite.yaml`"
        return None

    def _inside(self, target: str) -> bool:
        """Both paths are normal: `..` stands at their beginning only."""
        if self.root is None:
            return True
        root = [part for part in self.root.split("/") if part != "."]
        parts = target.split("/")
        ups = root.count("..")
        if self.root.startswith("/") or ups < len(root):
            return target.startswith(f"{self.root.rstrip('/')}/")
        return not target.startswith("/") and parts.count("..") <= ups and parts[-1] != ".."


def merge(base: Mapping, over: Mapping, document: Subschema) -> Mapping:
    """`base` adjusted by `over`; `document` is the schema, which says how lists are merged."""
    return _merged(base, over, document, document)


def _merged(base: Mapping, over: Mapping, document: Subschema, schema: Subschema) -> Mapping:
    schema = resolve(document, schema)
    own = {entry.key.text: entry for entry in over}
    entries = []
    for entry in base:
        adjusted = own.pop(entry.key.text, None)
        if adjusted is None:
            entries.append(entry)
            continue
        below = subschema(schema, entry.key.text) or {}
        entries.append(Entry(adjusted.key, _value(entry.value, adjusted.value, document, resolve(document, below))))
    entries += [entry for entry in over if entry.key.text in own]
    return Mapping(tuple(entries), over.span)


def _value(base: Node, over: Node, document: Subschema, schema: Subschema) -> Node:
    if isinstance(base, Mapping) and isinstance(over, Mapping):
        return _merged(base, over, document, schema)
    by = schema.get("x-ps", {}).get("merge_by")
    if by and isinstance(base, Sequence) and isinstance(over, Sequence):
        return _list(base, over, by, document, schema["items"])
    return over


def _list(base: Sequence, over: Sequence, by: str, document: Subschema, schema: Subschema) -> Sequence:
    """Entries are found by name; new ones follow at the end."""
    own: dict[str, Node] = {}
    for item in over:
        own.setdefault(_name(item, by), item)
    items: list[Node] = []
    for item in base:
        adjusted = own.pop(_name(item, by), None)
        both = isinstance(item, Mapping) and isinstance(adjusted, Mapping)
        items.append(_merged(item, adjusted, document, schema) if both else item)  # type: ignore[arg-type]
    return Sequence((*items, *own.values()), over.span)


def _name(item: Node, by: str) -> str:
    name = item.get(by) if isinstance(item, Mapping) else None
    return name.text if isinstance(name, Scalar) else f"#{id(item)}"
