"""Does a document have the shape the schema asks for? Every breach becomes one finding at the node that is wrong.

The JSON Schema library finds the breaches; what is said about them is in structure.py and keys.py. The schema's text is
handed in: this floor opens no files.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft7Validator

from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.language import keys, structure
from perfspec.language.annotations import Place, Subschema, walk
from perfspec.language.nodes import Mapping, Node, Scalar, Sequence

__all__ = ["Schema", "plain"]


class Schema:
    """The words of the language, from `schema/perfspec-1.schema.json`."""

    __slots__ = ("_validator", "document")

    def __init__(self, document: Subschema) -> None:
        self.document = document
        self._validator = Draft7Validator(document)

    def check(self, root: Node, out: Diagnostics) -> None:
        """One file by itself: known keys, kinds of values, words; what another file may still add is not missed."""
        places = list(self.walk(root))
        nouns = {id(place.node): place for place in places}
        for error in self._validator.iter_errors(plain(root)):
            structure.report(self.document, root, error, nouns, out)
        for place in places:
            keys.check(place, out)

    def check_whole(self, root: Mapping, out: Diagnostics) -> None:
        """A spec with its includes merged: nothing may be missing now."""
        for place in self.walk(root):
            keys.check_whole(place, out)

    def walk(self, root: Node) -> Iterator[Place]:
        """Every key and value with its annotation, in the order of the text."""
        return walk(self.document, root)


def plain(node: Node) -> Any:
    """The document as the schema library wants it."""
    match node:
        case Mapping():
            return {entry.key.text: plain(entry.value) for entry in node}
        case Sequence():
            return [plain(item) for item in node]
        case Scalar():
            return node.value
