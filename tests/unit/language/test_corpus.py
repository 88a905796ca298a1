"""The bad specs and what is said of them, character by character; the good ones and the silence they get.

`UPDATE_GOLDENS=1 pytest` writes the goldens anew. A bad spec names its codes on the offending lines, as `# PS101`,
where its golden was not given beforehand.
"""

import os
import re
from pathlib import Path

import pytest

from perfspec.diagnostics.diagnostic import Diagnostic, Diagnostics
from perfspec.diagnostics.render.text import render_all
from perfspec.diagnostics.source import Source
from perfspec.language.include import load
from perfspec.language.schema import Schema

ROOT = Path(__file__).parents[3]
BAD = ROOT / "tests/corpus/bad"
GOOD = ROOT / "tests/corpus/good"

OTHER_STAGES = frozenset({"PS301", "PS306", "PS602"})
"""Codes of the checks of meaning, which come after the language."""


def lint(folder: Path, name: str, schema: Schema) -> tuple[list[Diagnostic], dict[str, Source]]:
    def read(path: str) -> str | None:
        file = folder / path
        return file.read_bytes().decode() if file.is_file() else None

    out = Diagnostics()
    loaded = load(name, read, schema, out, ".")
    return out.sorted(), loaded.sources


@pytest.mark.parametrize("name", sorted(file.name for file in BAD.glob("*.yaml")))
def test_a_bad_spec_is_told_exactly_what_is_wrong(schema: Schema, name: str):
    golden = BAD / name.replace(".yaml", ".txt")
    found, sources = lint(BAD, name, schema)
    if os.environ.get("UPDATE_GOLDENS") and not name[0].isdigit():
        golden.write_text(render_all(found, sources))
    expected = golden.read_text()
    codes = set(re.findall(r"(?m)^\S+ (?:error|warning) (PS\d{3}):", expected))
    if codes & OTHER_STAGES:
        assert found == []
    else:
        assert render_all(found, sources) == expected


@pytest.mark.parametrize("name", sorted(file.name for file in BAD.glob("PS*.yaml")))
def test_a_bad_spec_names_its_codes_on_the_offending_lines(schema: Schema, name: str):
    found, sources = lint(BAD, name, schema)
    said = {(d.span.line, d.code) for d in found if d.span.path == name}
    named = {
        (number, code)
        for number, line in enumerate(sources[name].lines, 1)
        for code in re.findall(r"PS\d{3}", line.rpartition("#")[2])
    }
    if named:
        assert said == named
    assert name[:5] in {d.code for d in found}


def test_every_golden_belongs_to_a_spec():
    assert {file.stem for file in BAD.glob("*.txt")} == {file.stem for file in BAD.glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(file.name for file in GOOD.glob("*.yaml")))
def test_a_good_spec_is_told_nothing(schema: Schema, name: str):
    assert lint(GOOD, name, schema)[0] == []


@pytest.mark.parametrize("name", ["search.yaml", "shared/suite.yaml"])
def test_the_shipped_specs_are_told_nothing(schema: Schema, name: str):
    assert lint(ROOT / "specs", name, schema)[0] == []
