"""Findings for programs: JSON, annotations on GitHub, SARIF."""

import json

import pytest
from jsonschema import Draft7Validator

from perfspec.diagnostics.diagnostic import Diagnostic, Edit, Severity
from perfspec.diagnostics.render import github, sarif
from perfspec.diagnostics.render import json as as_json
from perfspec.diagnostics.source import Span

PLACE = Span("specs/ü a.yaml", 7, 3, 7, 9)
FINDINGS = [
    Diagnostic(
        "PS004", "`all` is here twice", PLACE, "keep one", related=((Span("specs/ü a.yaml", 2, 3, 2, 6), "first"),)
    ),
    Diagnostic("PS007", "`no` is a text here", Span("b.yaml", 1, 1, 2, 4), severity=Severity.WARNING),
    Diagnostic("PS003", "needs quotes", PLACE, 'write "x"', edits=(Edit(PLACE, '"x"'),)),
]


def test_json_holds_everything_that_is_known_of_a_finding():
    document = json.loads(as_json.render_all(FINDINGS))
    assert (document["version"], document["errors"], document["warnings"]) == (1, 2, 1)
    place = {"file": "specs/ü a.yaml", "line": 7, "column": 3, "end_line": 7, "end_column": 9}
    assert document["findings"][0] == {
        "code": "PS004",
        "severity": "error",
        "message": "`all` is here twice",
        "help": "keep one",
        **place,
        "related": [
            {"label": "first", "file": "specs/ü a.yaml", "line": 2, "column": 3, "end_line": 2, "end_column": 6}
        ],
        "edits": [],
    }
    assert document["findings"][2]["edits"] == [{"text": '"x"', **place}]


def test_nothing_found_is_a_document_too():
    assert json.loads(as_json.render_all([])) == {"version": 1, "errors": 0, "warnings": 0, "findings": []}
    assert github.render_all([]) == ""
    assert json.loads(sarif.render_all([], "1", {}))["runs"][0]["results"] == []


def test_github_gets_a_command_for_each_finding():
    assert github.render_all(FINDINGS[:2]).split("\n") == [
        "::error file=specs/ü a.yaml,line=7,endLine=7,col=3,endColumn=9,title=PS004::`all` is here twice%0Akeep one",
        "::warning file=b.yaml,line=1,endLine=2,title=PS007::`no` is a text here",
    ]


def test_github_commands_are_escaped():
    finding = Diagnostic("PS101", "100% a\r\nb", Span("a,b:c.yaml", 1, 1, 1, 2), "50%")
    assert github.render_all([finding]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,endLine=1,col=1,endColumn=2,title=PS101::100%25 a%0D%0Ab%0A50%25"
    )


def test_sarif_keeps_to_its_schema(published_schema):
    schema = json.loads(published_schema("sarif-2.1.0.schema.json").read_text())
    document = json.loads(sarif.render_all(FINDINGS, "0.1.0", {"PS004": "Two equal keys."}))
    assert list(Draft7Validator(schema).iter_errors(document)) == []


@pytest.fixture
def run() -> dict:
    document = json.loads(sarif.render_all(FINDINGS, "0.1.0", {"PS004": "Two equal keys."}))
    assert document["version"] == "2.1.0"
    (found,) = document["runs"]
    return found


def test_sarif_names_the_rules_that_were_broken(run):
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["PS003", "PS004", "PS007"]
    assert rules[1]["fullDescription"]["text"] == "Two equal keys."
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["PS004", "PS007", "PS003"]


def test_sarif_has_places_and_repairs(run):
    twice, _, quotes = run["results"]
    place = twice["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "specs/%C3%BC%20a.yaml"
    assert place["region"] == {"startLine": 7, "startColumn": 3, "endLine": 7, "endColumn": 9}
    assert twice["relatedLocations"][0]["message"] == {"text": "first"}
    (change,) = quotes["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [{"deletedRegion": place["region"], "insertedContent": {"text": '"x"'}}]


def test_a_finding_keeps_its_fingerprint_when_lines_move(run):
    moved = Diagnostic("PS004", "`all` is here twice", Span("specs/ü a.yaml", 70, 3, 70, 9), "keep one")
    again = json.loads(sarif.render_all([moved], "0.1.0", {}))["runs"][0]["results"][0]
    assert again["partialFingerprints"] == run["results"][0]["partialFingerprints"]
    assert len({result["partialFingerprints"]["finding/v1"] for result in run["results"]}) == 3
