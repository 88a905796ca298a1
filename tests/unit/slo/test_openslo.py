"""OpenSLO v1 by the list of fields in its specification: none unknown, none missing, one of those that exclude."""

import re

import pytest
import yaml

from perfspec.slo.openslo import openslo

METADATA = {"name": True, "displayName": False, "labels": False, "annotations": False}
"""Field -> is it required?"""
SLO = {
    "description": False,
    "service": True,
    "indicator": False,
    "indicatorRef": False,
    "timeWindow": True,
    "budgetingMethod": True,
    "objectives": True,
    "alertPolicies": False,
}
RATIO = {"counter": True, "good": False, "bad": False, "total": True}
SOURCE = {"metricSourceRef": False, "type": True, "spec": True}
OBJECTIVE = {"displayName": False, "target": False, "targetPercent": False, "timeSliceTarget": False, "op": False}


def has(found: dict, fields: dict[str, bool]) -> None:
    assert set(found) <= set(fields)
    assert {name for name, required in fields.items() if required} <= set(found)


@pytest.fixture(scope="module")
def objects(promises):
    return list(yaml.safe_load_all(openslo([promises()])))


def test_a_service_and_an_slo_for_each_promise(objects) -> None:
    assert [(each["kind"], each["metadata"]["name"]) for each in objects] == [
        ("Service", "shop"),
        ("SLO", "shop-availability"),
        ("SLO", "shop-order-p95"),
    ]
    for each in objects:
        has(each, dict.fromkeys(("apiVersion", "kind", "metadata", "spec"), True))
        assert each["apiVersion"] == "openslo/v1"
        has(each["metadata"], METADATA)
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", each["metadata"]["name"])
        assert len(each["spec"]["description"]) <= 1050


def test_slos_have_the_fields_of_the_specification(objects) -> None:
    for each in objects[1:]:
        spec = each["spec"]
        has(spec, SLO)
        assert ("indicator" in spec) != ("indicatorRef" in spec)
        assert spec["service"] == objects[0]["metadata"]["name"]
        (window,) = spec["timeWindow"]
        assert window == {"duration": "30d", "isRolling": True}
        assert spec["budgetingMethod"] == "Occurrences"
        (objective,) = spec["objectives"]
        has(objective, OBJECTIVE)
        assert ("target" in objective) != ("targetPercent" in objective)
        assert 0 < objective["target"] < 1


def test_indicators_count_good_or_bad_and_all(objects) -> None:
    for each in objects[1:]:
        indicator = each["spec"]["indicator"]
        has(indicator, {"metadata": True, "spec": True})
        has(indicator["metadata"], METADATA)
        (ratio,) = indicator["spec"].values()
        assert list(indicator["spec"]) == ["ratioMetric"]
        has(ratio, RATIO)
        assert ("good" in ratio) != ("bad" in ratio)
        for metric in (ratio.get("good") or ratio["bad"], ratio["total"]):
            has(metric, {"metricSource": True})
            has(metric["metricSource"], SOURCE)
            assert metric["metricSource"]["spec"]["query"].startswith("sum(http_request")


def test_targets_are_the_promised_shares(objects) -> None:
    assert [each["spec"]["objectives"][0]["target"] for each in objects[1:]] == [0.999, 0.95]
