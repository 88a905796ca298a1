"""Single letters mistyped in the words of the language, wherever the shipped specs use them.

A word is a key that the schema knows, one of the values it lists, a function, a built-in name, or a word of a phrase
(`at most`, `ramp`, `not empty`), of a row, a cell, an expectation or a rule. A typo leaves a letter out, doubles one,
swaps two, or hits a neighbour on the keyboard. Told is a typo with an error on its line whose advice holds the right
word.
"""

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perfspec.app.lint import Checked, lint, schema
from perfspec.diagnostics.diagnostic import Diagnostics, Severity
from perfspec.diagnostics.source import Source, Span
from perfspec.language.annotations import Place
from perfspec.language.compose import compose
from perfspec.language.functions import FUNCTIONS
from perfspec.language.nodes import Mapping, Scalar

NEIGHBOURS = {
    letter: row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for at, letter in enumerate(row)
}
PHRASE_WORDS = re.compile(
    r"\b(?:under|at most|over|at least|between|and|ramp|to|about|present|absent|not empty|empty|contains|starts with"
    r"|bearer|basic|none|zipf|words|characters|secret(?!\.)|all|count|header|cookie|regex|lognormal around"
    r"|normal around|times|in order|random|once each|errors|threshold fails|no responses|for|poisson|warn only|even|up"
    r"|or)\b"
)
SUBJECTS = re.compile(r"^(?:status|events|header|cookie|body)\b")
CELLS = re.compile(r"\b(?:errors|availability|goodput|mean|max|throughput|count|first_event|event_gap|wait|poll)\b")
ROWS = re.compile(r"^(?:all|flow|group)\b|\bwhere\b|\bis\b")
RULES = re.compile(r"\b(?:mean|max|count|errors|rate)(?=\()|\bp\d+|\b(?:where|is|and|or|not)\b")
FUNCTION = re.compile(r"\b[a-z]\w+(?=\()")
BUILT_IN = re.compile(r"\b(?:(?:run|user|round|values|secret)(?=\.)|(?<=run\.)(?:id|stage)|(?<=user\.|ound\.)number)\b")


@dataclass(frozen=True)
class Word:
    """A word of the language where it stands."""

    path: Path
    span: Span
    text: str
    kind: str

    @property
    def is_shared(self) -> bool:
        return self.path.parent.name == "shared"


def words(path: Path) -> Iterator[Word]:
    """Every word of the language in a spec."""
    root = compose(Source(str(path), path.read_text()), Diagnostics())
    assert root is not None
    for place in schema().walk(root):
        yield from _keys(path, place)
        if isinstance(place.node, Scalar):
            yield from _values(path, place, place.node)


def _keys(path: Path, place: Place) -> Iterator[Word]:
    if isinstance(place.node, Mapping) and not place.is_key:
        for entry in place.node:
            if entry.key.text in place.schema.get("properties", {}):
                yield Word(path, entry.key.span, entry.key.text, "key")
    elif place.is_key and isinstance(place.node, Scalar):
        names = {"row": (ROWS, "row"), "cell": (CELLS, "cell")}
        if place.annotation.get("phrase") == "subject":
            yield from _found(path, place.node, SUBJECTS, "subject")
        elif place.annotation.get("names") in names:
            yield from _found(path, place.node, *names[place.annotation["names"]])


def _values(path: Path, place: Place, node: Scalar) -> Iterator[Word]:
    if place.is_key:
        return
    kinds = place.schema.get("type", ())
    if node.text in place.schema.get("enum", ()) or (kinds == "boolean" and node.text in ("true", "false")):
        yield Word(path, node.content, node.text, "value")
    if "${" in node.text:
        yield from (each for each in _found(path, node, FUNCTION, "function") if each.text in FUNCTIONS)
        yield from _found(path, node, BUILT_IN, "name")
    if place.annotation.get("phrase") == "rule":
        yield from _found(path, node, RULES, "rule")
    elif "phrase" in place.annotation and not node.text.startswith("${"):
        yield from _found(path, node, PHRASE_WORDS, "phrase")


def _found(path: Path, node: Scalar, pattern: re.Pattern[str], kind: str) -> Iterator[Word]:
    for match in pattern.finditer(node.text):
        yield Word(path, node.at(*match.span()), match[0], kind)


def typos(word: str, chance: random.Random) -> list[str]:
    """The word with one slip, one of each kind for each letter."""
    found: dict[str, None] = {}
    for at, letter in enumerate(word):
        if not letter.isalpha():
            continue
        found[word[:at] + word[at + 1 :]] = None
        found[word[:at] + letter + word[at:]] = None
        if word[at + 1 : at + 2].isalpha():
            found[word[:at] + word[at + 1] + letter + word[at + 2 :]] = None
        if letter in NEIGHBOURS:
            found[word[:at] + chance.choice(NEIGHBOURS[letter]) + word[at + 1 :]] = None
    found.pop(word, None)
    return [typo for typo in found if typo.strip() == typo and typo]


def seeded(word: Word, typo: str) -> bytes:
    """The whole file with the typo in it."""
    lines = word.path.read_text().split("\n")
    line = lines[word.span.line - 1]
    lines[word.span.line - 1] = line[: word.span.column - 1] + typo + line[word.span.end_column - 1 :]
    return "\n".join(lines).encode()


def is_told(word: Word, typo: str, folder: Path) -> str:
    """Empty if the typo is reported on its line with the right word; else what is wrong with the report.

    What a shared file says of requests shows in the specs that include it: in `folder` there is a copy of all.
    """
    content = seeded(word, typo)
    said = _said(word, lint(str(word.path), content))
    if not said or not word.is_shared:
        return said
    place = folder / word.path.relative_to(ROOT)
    place.write_bytes(content)
    told = [_said(word, lint(str(folder / f"specs/{name}.yaml"))) for name in ("search", "assessment")]
    place.write_bytes(word.path.read_bytes())
    return min(told)


def _said(word: Word, checked: Checked) -> str:
    found = [d for d in checked.findings if d.severity is Severity.ERROR]
    here = [d for d in found if (Path(d.span.path).name, d.span.line) == (word.path.name, word.span.line)]
    if not found:
        return "not reported"
    if not here:
        return f"reported elsewhere: {found[0].span} {found[0].message}"
    told = [d for d in here if re.search(rf"(?<![\w-]){re.escape(word.text)}(?![\w-])", d.help)]
    return "" if told else f"other suggestion: {here[0].message} | {here[0].help}"


ROOT = Path(__file__).parents[3]
WANTED = 0.98
SAMPLE = 350


def _all_typos() -> list[tuple[Word, str]]:
    """Each typo of each word, wherever it stands."""
    chance = random.Random(4107)
    found = {word: None for path in sorted((ROOT / "specs").rglob("*.yaml")) for word in words(path)}
    return [(word, typo) for word in found for typo in typos(word.text, chance)]


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("specs", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def _assert_told(seeds: list[tuple[Word, str]], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {
        f"{word.path.name}:{word.span.line}:{word.span.column} {word.text} -> {typo}": said
        for word, typo in seeds
        if (said := is_told(word, typo, folder))
    }
    share = 1 - len(wrong) / len(seeds)
    with capsys.disabled():
        print(f"\ntypos: {len(seeds) - len(wrong)} of {len(seeds)} told with the right word ({share:.1%})")
    assert share >= WANTED, wrong


def test_a_sample_of_typos_is_told_with_the_right_word(folder, capsys):
    _assert_told(random.Random(1).sample(_all_typos(), SAMPLE), folder, capsys)


@pytest.mark.slow
def test_all_typos_are_told_with_the_right_word(folder, capsys):
    _assert_told(_all_typos(), folder, capsys)


def test_typos_are_sown_into_every_kind_of_word():
    kinds = {"key", "value", "function", "cell", "phrase", "subject", "row", "rule", "name"}
    assert {word.kind for word, _ in _all_typos()} == kinds
