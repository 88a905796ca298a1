"""Promises as people read them."""

from perfspec.slo.show import to_markdown, to_text


def test_the_budget_is_shown_in_minutes_and_the_policy_beside_it(promises) -> None:
    assert to_text(promises()).splitlines() == [
        "shop (shop-team): what is promised over 30d",
        "",
        "  promise        budget                meaning",
        "  availability   43.2 minutes (0.1%)   99.9% of requests are answered without a server error",
        "  order p95      2160 minutes (5%)     95% of `order` take at most 120ms",
        "",
        "  budget spent   after          what the team does",
        "  50%            21.6 minutes   look",
        "  100%           43.2 minutes   stop",
    ]


def test_the_same_as_tables(promises) -> None:
    lines = to_markdown(promises()).splitlines()
    assert lines[:2] == ["### shop", ""]
    assert "| availability | 43.2 minutes (0.1%) | 99.9% of requests are answered without a server error |" in lines
    assert "| 100% | 43.2 minutes | stop |" in lines


def test_a_promise_that_nobody_measures_is_shown_as_such(promises) -> None:
    text = to_text(promises(slo="slo: {availability: at least 99.95%}\n"))
    assert "21.6 minutes (0.05%)" in text
    assert "no series of Prometheus is named for it" in text
    assert "budget spent" not in text
