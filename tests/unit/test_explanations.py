"""Every code is explained, and the two examples of its explanation are what they claim to be.

An example shows only what matters: unless it is a whole spec (its first key is `perfspec`), what a spec needs besides
is added. FILES lie beside it.
"""

from pathlib import Path

import pytest

from perfspec.app.explain import explain
from perfspec.app.lint import SpecFailure, lint
from perfspec.app.plan import plan
from perfspec.base.errors import UsageFailure
from perfspec.diagnostics.codes import CODES
from perfspec.plan.build import Choice
from perfspec.spec.unused import unused

ROOT = Path(__file__).parents[2]
FILES = {
    "people.csv": "name,age\nAda,36\nGrace,45\n",
    "parts/suite.yaml": "perfspec: 1\nkind: shared\n",
    "parts/one.yaml": "perfspec: 1\nkind: shared\ninclude: [two.yaml]\n",
    "parts/two.yaml": "perfspec: 1\nkind: shared\ninclude: [one.yaml]\n",
}
SAID = list(CODES)
STRICTLY = frozenset({"PS246", "PS247"})
"""What only a spec that is complete is told; most examples are none."""


@pytest.fixture
def codes(tmp_path, monkeypatch, completed):
    """The codes that an example gets, from the strictest look at it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "parts").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "parts/spec.yaml").write_text(completed("service: shop\n"))

    def found(example: str, strictly: frozenset[str]) -> set[str]:
        no_utf8 = completed(example).encode().replace("\N{REPLACEMENT CHARACTER}".encode(), b"\xfc")
        (tmp_path / "spec.yaml").write_bytes(no_utf8)
        checked = lint("spec.yaml")
        said = {finding.code for finding in checked.findings}
        if checked.spec is not None and checked.merged is not None and not checked.has_errors:
            said |= {finding.code for finding in unused(checked.spec, checked.merged)} & strictly
        if said or checked.spec is None:
            return said
        for stage in checked.spec.stages:
            try:
                said |= {finding.code for finding in plan("spec.yaml", Choice(stage)).foreseen.findings}
            except SpecFailure as failure:
                said |= {finding.code for finding in failure.checked.findings}
        return said

    return found


@pytest.mark.parametrize("code", SAID)
def test_the_wrong_example_gets_this_code_alone(codes, code):
    assert codes(explain(code).wrong, STRICTLY & {code}) == {code}


@pytest.mark.parametrize("code", SAID)
def test_the_right_example_gets_nothing(codes, code):
    assert codes(explain(code).right, STRICTLY & {code}) == set()


def test_every_explanation_belongs_to_a_code():
    explained = {file.stem for file in (ROOT / "perfspec/diagnostics/explanations").iterdir()}
    assert explained == set(CODES)


@pytest.mark.parametrize("written", ["PS301", "ps301", "301"])
def test_a_code_may_be_written_in_any_way(written):
    assert explain(written).code == "PS301"


def test_a_code_that_is_none_is_told_with_its_neighbours():
    with pytest.raises(UsageFailure) as caught:
        explain("PS3011")
    assert caught.value.message == "there is no code `PS3011`"
    assert "PS301" in caught.value.hint
