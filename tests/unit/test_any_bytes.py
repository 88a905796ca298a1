"""Any bytes in, findings out: never an exception, every finding at a place of its file, and every renderer copes.

Specs that are nearly right go deeper than noise, so the shipped ones and the corpus are cut, doubled and mixed.
"""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.app.fix import fix
from perfspec.app.fmt import fmt
from perfspec.app.lint import Checked
from perfspec.app.strict import lint_strictly
from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.render import github, sarif, text
from perfspec.diagnostics.render import json as as_json
from perfspec.language.writing import written

ROOT = Path(__file__).parents[2]
SEEDS = [
    path.read_bytes()
    for folder in ("specs", "tests/corpus/good", "tests/corpus/bad")
    for path in sorted((ROOT / folder).rglob("*.yaml"))
]
PIECES = (
    b"\t", b"\r\n", b"\r", b"\x00", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"${", b"}", b"{", b"[", b"]",
    b": ", b"- ", b"? ", b"| ", b">", b"&a ", b"*a", b"<<: ", b"!x ", b"%YAML 1.1\n", b"---\n", b"...\n", b"'", b'"',
    b"\\", b"#", b",", b"~", b"null", b"true", b"no", b"1:30", b"1e999", b"99999999999999999999", b"-", b".inf", b"0x",
    b"$.a[", b"${a[0]}", b"${fresh(", b" where ", b"p95", b"under", b"at most ", b"300ms", b"100%", "ü🎉".encode(),
    b" " * 50, b"a" * 500,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    """Includes and data files are not there, and nothing else is either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("any"))
        yield


def look(content: bytes) -> Checked:
    """Everything that looks at a spec without sending anything."""
    checked = lint_strictly("any.yaml", content)
    for finding in checked.findings:
        assert finding.code in CODES
        source = checked.sources.get(finding.span.path)
        if source is not None:
            span = finding.span
            assert 1 <= span.line <= span.end_line <= len(source.lines) + 1, finding
            assert (span.line, span.column) <= (span.end_line, span.end_column), finding
    assert text.render_all(checked.findings, checked.sources).count("\n") >= len(checked.findings)
    assert len(json.loads(as_json.render_all(checked.findings))["findings"]) == len(checked.findings)
    assert len(github.render_all(checked.findings).split("\n")) == max(len(checked.findings), 1)
    assert json.loads(sarif.render_all(checked.findings, "1", {}))["version"] == "2.1.0"
    if checked.merged is not None:
        written(checked.merged, checked.sources, str)
    laid = fmt("any.yaml", content)
    assert laid.checked is not None or fmt("any.yaml", laid.after).after == laid.after
    return checked


def mutated(chance: random.Random) -> bytes:
    """A seed with some wounds."""
    content = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        _wound(content, chance)
    return bytes(content)


def _wound(content: bytearray, chance: random.Random) -> None:
    lines = content.split(b"\n")
    at, line = chance.randrange(len(content) + 1), chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            content[at:at] = chance.choice(PIECES)
        case 1:
            del content[at : at + chance.choice([1, 1, 2, 10, 100])]
        case 2 if at < len(content):
            content[at] = chance.randrange(256)
        case 3:
            lines[line] = b" " * chance.randrange(12) + lines[line].lstrip()
            content[:] = b"\n".join(lines)
        case 4:
            other = chance.choice(SEEDS).split(b"\n")
            lines[line:line] = other[: chance.randrange(len(other)) + 1][-chance.choice([1, 3, 20]) :]
            content[:] = b"\n".join(lines)
        case 5:
            del lines[line : line + chance.choice([1, 1, 5])]
            content[:] = b"\n".join(lines)
        case 6:
            to = chance.randrange(len(lines))
            lines[line], lines[to] = lines[to], lines[line]
            content[:] = b"\n".join(lines)
        case _:
            word = chance.choice(bytes(content).split() or [b""])
            content[:] = bytes(content).replace(word, chance.choice(PIECES), 1) if word else content


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_told_to_be_noise(content):
    assert look(content).has_errors


@pytest.mark.parametrize("seed", range(8))
def test_wounded_specs_are_looked_at_without_an_exception(seed):
    chance = random.Random(seed)
    for _ in range(25):
        content = mutated(chance)
        try:
            look(content)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} on {content!r}") from error


@pytest.mark.parametrize("seed", range(3))
def test_repairs_of_wounded_specs_end_and_leave_no_more_errors(seed):
    chance = random.Random(100 + seed)
    for _ in range(8):
        content = mutated(chance)
        found = fix("any.yaml", content)
        assert bool(found.done) == (found.content != content)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_many_wounded_specs_are_looked_at_without_an_exception(seed):
    chance = random.Random(10_000 + seed)
    for _ in range(500):
        content = mutated(chance)
        try:
            look(content)
            fix("any.yaml", content)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} on {content!r}") from error
