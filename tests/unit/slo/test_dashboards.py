"""Pages for Grafana, by the rules that Grafana itself does not check: addresses, places, letters, data sources."""

import json
import re

import pytest

from perfspec.slo.dashboards import dashboards
from perfspec.slo.grafana import to_json

UNITS = {"none", "s", "reqps", "percentunit"}
COLOURS = {"green", "orange", "red"}


def pages(*services) -> dict[str, dict]:
    return {name: json.loads(to_json(page)) for name, page in dashboards(services).items()}


@pytest.fixture(scope="module")
def made(promises):
    return pages(promises())


NAMES = ("slo-overview.json", "service-shop.json", "load-test-runs.json")


def test_an_overview_a_page_per_service_and_one_for_runs(made, promises) -> None:
    assert tuple(made) == NAMES
    assert len({page["uid"] for page in made.values()}) == 3
    unmeasured = promises(slo="slo: {availability: at least 99%}\n")
    assert list(pages(unmeasured)) == ["slo-overview.json", "load-test-runs.json"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole(made, name) -> None:
    page = made[name]
    assert page["title"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", page["uid"])
    assert page["schemaVersion"] >= 39
    assert page["time"] == {"from": "now-6h", "to": "now"}
    assert page["templating"]["list"][0]["type"] == "datasource"
    assert page["templating"]["list"][0]["query"] == "prometheus"


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_a_place_of_their_own(made, name) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in made[name]["panels"]:
        place = panel["gridPos"]
        assert place["w"] >= 1
        assert place["h"] >= 1
        assert 0 <= place["x"] <= 24 - place["w"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken, f"{panel['title']} covers {taken.get((x, y))}"
                taken[x, y] = panel["title"]
    ids = [panel["id"] for panel in made[name]["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NAMES)
def test_panels_ask_the_data_source_that_is_chosen(made, name) -> None:
    for panel in made[name]["panels"]:
        assert panel["title"]
        if panel["type"] == "row":
            continue
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(references) == len(set(references))
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert target["expr"].count("{") == target["expr"].count("}")
            assert target["legendFormat"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"] in UNITS
        steps = defaults.get("thresholds", {"steps": []})["steps"]
        assert {step["color"] for step in steps} <= COLOURS
        values = [step["value"] for step in steps]
        assert values[:1] in ([], [None])
        assert values[1:] == sorted(values[1:])


def panel(page: dict, title: str) -> dict:
    (found,) = [each for each in page["panels"] if each["title"] == title]
    return found


def test_the_overview_knows_budget_pace_and_policy(made) -> None:
    page = made["slo-overview.json"]
    left = panel(page, "shop: budget left of 30d")
    assert left["targets"][0]["expr"] == 'slo:error_budget_left:ratio{service="shop"}'
    steps = [(step["value"], step["color"]) for step in left["fieldConfig"]["defaults"]["thresholds"]["steps"]]
    assert steps == [(None, "red"), (0, "orange"), (0.5, "green")]
    (mapping,) = panel(page, "shop: what to do")["fieldConfig"]["defaults"]["mappings"]
    assert [shown["text"] for shown in mapping["options"].values()] == [
        "Nothing: the budget is there",
        "50%: look",
        "100%: stop",
    ]
    assert panel(page, "shop: burn rate")["fieldConfig"]["defaults"]["custom"] == {"thresholdsStyle": {"mode": "line"}}


def test_a_service_is_shown_against_its_limits(made) -> None:
    latency = panel(made["service-shop.json"], "order p95 at most 120ms")
    assert [target["legendFormat"] for target in latency["targets"]] == ["p50", "p95", "p99"]
    assert latency["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "red", "value": 0.12}
    bad = panel(made["service-shop.json"], "availability: bad requests")
    assert bad["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"] == 0.001
    throughput = panel(made["service-shop.json"], "Requests per second")
    assert [target["legendFormat"] for target in throughput["targets"]] == ["all", "order"]


def test_long_names_of_services_still_have_an_address(promises) -> None:
    long = [promises()._replace(service="a" * 60), promises()._replace(service="a" * 61)]
    uids = {page["uid"] for page in pages(*long).values()}
    assert len(uids) == 4
    assert all(len(uid) <= 40 for uid in uids)
