"""What is made from the shipped specs and kept in files is what the commands write now.

`UPDATE_GOLDENS=1 pytest tests/unit/slo` writes the files anew.
"""

import os
from pathlib import Path

import pytest

from perfspec.app.slo import promised
from perfspec.slo.dashboards import dashboards
from perfspec.slo.grafana import to_json
from perfspec.slo.rules import rules, to_text
from perfspec.slo.show import to_markdown

ROOT = Path(__file__).parents[3]
BEGIN, END = "<!-- promises -->\n", "<!-- end of promises -->"


@pytest.fixture(scope="module")
def services():
    return promised([str(ROOT / "specs")]).services


def same(path: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, "UPDATE_GOLDENS=1 pytest tests/unit/slo writes it anew"


def test_the_page_about_promises_shows_those_of_the_specs(services) -> None:
    path = ROOT / "docs/slo.md"
    before, _, rest = path.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    shown = "\n\n".join(to_markdown(promises) for promises in services)
    same(path, f"{before}{BEGIN}\n{shown}\n\n{END}{after}")


def test_prometheus_of_the_test_environment_has_the_rules_of_the_specs(services) -> None:
    same(ROOT / "fixtures/compose/rules/slo.yml", to_text(rules(services)))


def test_grafana_of_the_test_environment_has_the_pages_of_the_specs(services) -> None:
    folder = ROOT / "fixtures/compose/dashboards"
    pages = {name: to_json(page).decode() for name, page in dashboards(services).items()}
    for name, text in pages.items():
        same(folder / name, text)
    assert {path.name for path in folder.iterdir()} == set(pages)


def test_the_page_has_a_section_for_every_alert(services) -> None:
    page = (ROOT / "docs/slo.md").read_text()
    alerts = {rule.alert for group in rules(services).groups for rule in group.rules if hasattr(rule, "alert")}
    assert len(alerts) == 4
    assert {f"### {name}" for name in alerts} <= set(page.splitlines())
