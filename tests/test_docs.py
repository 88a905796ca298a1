"""What the documents show is true: specs in them lint, commands and codes in them exist, and none is left out."""

import re
import runpy
from pathlib import Path

import pytest

from perfspec.app.lint import lint
from perfspec.app.strict import lint_strictly
from perfspec.base.errors import ExitCode
from perfspec.cli import COMMANDS
from perfspec.data.fake import KINDS
from perfspec.language.functions import FUNCTIONS
from perfspec.metrics.error_kinds import NO_ANSWER_KINDS
from perfspec.steps.decoding import UNDECODABLE

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SPECS = [
    pytest.param(block, id=f"{document.name}-{number}")
    for document in DOCUMENTS
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", document.read_text(), re.DOTALL), 1)
]


FILES = {
    "fixtures/customers.csv": "id,name\n1,Ada\n2,Grace\n",
    "fixtures/minutes.txt": "nobody came\n",
    "words.csv": "text\ntea\n",
    "parts/suite.yaml": "perfspec: 1\nkind: shared\n",
    "certs/ca.pem": "", "certs/client.pem": "", "certs/client.key": "",
}  # fmt: skip
"""What specs in documents name."""


def test_the_first_spec_of_the_readme_is_clean_in_every_plan(tmp_path, monkeypatch):
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL))
    (tmp_path / "shop.yaml").write_text(block)
    monkeypatch.chdir(tmp_path)
    assert block.startswith("perfspec: 1\n")
    assert lint_strictly("shop.yaml").findings == []


@pytest.mark.parametrize("block", SPECS)
def test_every_spec_in_the_documents_is_without_errors(block, tmp_path, monkeypatch, completed):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("specs/spec.yaml").write_text(completed(block))
    assert lint("specs/spec.yaml").findings == []


def test_the_mistake_in_the_readme_is_told_as_it_stands_there(tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text()
    spec = re.search(r"```yaml\n(perfspec: 1\nservice: shop.*?)```", readme, re.DOTALL)
    assert spec is not None
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(spec[1].replace('"${item}"', '"${itm}"'))
    (finding,) = lint("shop.yaml").findings
    assert f"{finding.span} error {finding.code}: {finding.message}" in readme
    assert finding.help in readme


def test_the_readme_names_every_command_and_every_exit_code():
    readme = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert f"`perfspec {command}" in readme
    codes = (ROOT / "docs/guide/exit-codes.md").read_text()
    for code in ExitCode:
        assert f"| {int(code)} |" in codes
        assert re.search(rf"(\| |, ){int(code)}( \||,)", readme)


def test_the_word_list_names_every_function_and_every_kind_of_fake_data():
    words = (ROOT / "docs/guide/words.md").read_text()
    for name in FUNCTIONS:
        assert f"`{name}(" in words
    for kind in KINDS:
        assert kind in words


def test_every_kind_of_error_says_what_to_do_about_it():
    text = (ROOT / "docs/guide/troubleshooting.md").read_text()
    kinds = NO_ANSWER_KINDS | {UNDECODABLE, "no stream", "gave up"}
    assert sorted(kind for kind in kinds if f"`{kind}`" not in text) == []


MADE_PAGES = runpy.run_path(str(ROOT / "scripts" / "guide.py"))["pages"]()


@pytest.mark.parametrize("path", MADE_PAGES, ids=lambda path: path.stem)
def test_pages_that_are_made_say_what_the_program_knows(path):
    """`python scripts/guide.py` makes them anew."""
    assert path.read_text() == MADE_PAGES[path]


def test_no_page_is_made_any_more_that_nobody_would_write():
    made = {path for path in DOCUMENTS if path.read_text().startswith("<!-- Made by scripts/guide.py")}
    assert made == set(MADE_PAGES)


def test_links_between_pages_lead_somewhere():
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_page_about_the_house_is_a_page():
    assert len((ROOT / "docs/architecture.md").read_text().splitlines()) <= 60


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_the_documents_name_exist(document):
    named = set(re.findall(r"`((?:docs|specs|schema|tests|benchmarks|scripts|\.ci)/[\w./-]+)`", document.read_text()))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
