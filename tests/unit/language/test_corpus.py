"""The bad specs and what is said of them, character by character; the good ones and the silence they get.

`UPDATE_GOLDENS=1 pytest` writes the goldens anew. A bad spec names its codes on the offending lines, as `# PS101`,
where its golden was not given beforehand (those have numbers).
"""

import os
import re
from pathlib import Path

import pytest

from perfspec.app.lint import Checked, SpecFailure
from perfspec.app.lint import lint as lint_file
from perfspec.app.plan import plan
from perfspec.app.strict import lint_strictly
from perfspec.diagnostics.codes import CODES
from perfspec.diagnostics.render.text import render_all
from perfspec.plan.build import Choice

ROOT = Path(__file__).parents[3]
BAD = ROOT / "tests/corpus/bad"
GOOD = ROOT / "tests/corpus/good"
COMMAND = re.compile(rb"# perfspec (.+)")


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch):
    """What a command says of a spec, from inside the folder: paths in findings are those that were typed.

    It is `perfspec lint`, unless the first line of the spec names another one.
    """

    def run(folder: Path, name: str) -> Checked:
        monkeypatch.chdir(folder)
        asked = COMMAND.match((folder / name).read_bytes())
        match asked and asked[1].decode().split():
            case ["lint", "--strict"]:
                return lint_strictly(name)
            case ["plan", "--stage", stage]:
                with pytest.raises(SpecFailure) as refused:
                    plan(name, Choice(stage))
                return refused.value.checked
            case _:
                return lint_file(name)

    return run


@pytest.mark.parametrize("name", sorted(file.name for file in BAD.glob("*.yaml")))
def test_a_bad_spec_is_told_exactly_what_is_wrong(lint, name: str):
    golden = BAD / name.replace(".yaml", ".txt")
    checked = lint(BAD, name)
    text = render_all(checked.findings, checked.sources)
    if os.environ.get("UPDATE_GOLDENS") and not name[0].isdigit():
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("name", sorted(file.name for file in BAD.glob("PS*.yaml")))
def test_a_bad_spec_names_its_codes_on_the_offending_lines(lint, name: str):
    checked = lint(BAD, name)
    said = {(d.span.path, d.span.line, d.code) for d in checked.findings if not d.span.path[0].isdigit()}
    named = {
        (path, number, code)
        for path, source in checked.sources.items()
        if not path[0].isdigit()
        for number, line in enumerate(source.lines, 1)
        for code in re.findall(r"PS\d{3}", line.rpartition("#")[2])
    }
    assert said == named
    assert name[:5] in {d.code for d in checked.findings}


def test_every_code_has_a_bad_spec():
    assert {file.name[:5] for file in BAD.glob("PS*.yaml")} == set(CODES)


def test_the_twelve_that_were_given_beforehand_are_here():
    assert {file.name for file in BAD.glob("[0-9]*.yaml")} == {f"{number:02}.yaml" for number in range(1, 13)}


def test_every_golden_belongs_to_a_spec():
    assert {file.stem for file in BAD.glob("*.txt")} == {file.stem for file in BAD.glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(file.name for file in GOOD.glob("*.yaml")))
def test_a_good_spec_is_told_nothing(lint, name: str):
    assert lint(GOOD, name).findings == []


@pytest.mark.parametrize("name", ["assessment.yaml", "gateway.yaml", "search.yaml", "shared/suite.yaml"])
def test_the_shipped_specs_are_told_nothing(lint, name: str):
    assert lint(ROOT / "specs", name).findings == []
    assert lint_strictly(name).findings == []
