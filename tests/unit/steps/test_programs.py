"""What steps do, played against a simulated service whose answers take 100 ms each."""

import re

import orjson
import pytest

from perfspec.engine.sim import Reply
from perfspec.metrics import histogram

MS = 1_000_000
SECOND = 1_000_000_000
CAPTURED = "setup: [{get: /s, capture: {hits: $.hits}}]\ndefaults: {}"
"""`hits` is a name that a flow may read; the tests give it its value."""


def json(**members: object) -> Reply:
    return Reply(200, orjson.dumps(members))


def test_steps_happen_one_after_another(play) -> None:
    played = play("- get: /a\n- pause: 50ms\n- get: /b")
    assert played.targets == ["/a", "/b"]
    assert played.times == [0, 150]
    assert (played.ended, played.ended_ms) == ([None], 250)


def test_an_empty_flow_ends_at_once(play) -> None:
    assert play("- when: ${1 > 2}\n  steps: [{get: /a}]").ended == [None]


def test_a_failed_request_without_captures_does_not_end_the_round(play) -> None:
    played = play("- get: /a\n- get: /b", lambda target, _: Reply(500 if target == "/a" else 200))
    assert (played.targets, played.ended) == (["/a", "/b"], [None])
    assert played.rows["get /a", ""].errors == {"status 500": 1}
    assert played.rows["get /b", ""].failed == 0


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(503), "status 503"),
        (json(), "capture s.yaml:11 id from $.id"),
        (json(id=0, bad=1), "check s.yaml:12 $.bad absent"),
    ],
)
def test_a_request_that_later_steps_need_ends_the_round_when_it_fails(play, reply, kind) -> None:
    played = play("- get: /a\n  capture: {id: $.id}\n  expect: {$.bad: absent}\n- get: /b", lambda *_: reply)
    assert (played.targets, played.ended) == (["/a"], [kind])
    assert played.rows["get /a", ""].errors == {kind: 1}


def test_a_request_without_an_answer_ends_the_round(play) -> None:
    played = play("- get: /a\n- get: /b", refused=((0, SECOND),))
    assert (played.targets, played.ended) == ([], ["refused"])
    row = played.rows["get /a", ""]
    assert (row.n, row.errors, row.unavailable, row.response) == (1, {"refused": 1}, 1, {})


def test_a_request_that_takes_too_long_is_a_timeout(play) -> None:
    played = play("- get: /a\n  timeout: 40ms\n- get: /b")
    assert (played.ended, played.ended_ms) == (["timeout"], 40)


def test_captures_are_known_to_the_steps_below(play) -> None:
    played = play(
        '- get: /a\n  capture: {id: $.id}\n- get: "/b?id=${id}&run=${run.id}&n=${user.number}"',
        lambda *_: json(id="x/1"),
    )
    assert played.targets == ["/a", "/b?id=x%2F1&run=r1&n=7"]


def test_an_address_from_an_answer_is_asked_for(play) -> None:
    steps = "- post: /a\n  capture: {told: $.url}\n- get: ${told}\n  name: b\n  query: {z: 1}"
    assert play(steps, lambda *_: json(url="/orders/7?x=1")).targets == ["/a", "/orders/7?x=1&z=1"]
    played = play(steps, lambda *_: json(url="https://else.example.com/orders/7"))
    assert (played.targets, played.ended) == (["/a"], ["no path"])
    assert (played.rows["b", ""].errors, played.rows["b", ""].unavailable) == ({"no path": 1}, 0)
    assert "is not at the address of this environment" in played.first_errors["no path"]


def test_data_that_makes_no_request_is_counted_as_unsendable(play) -> None:
    played = play(
        "- get: /a?x=${1 / zero}\n  name: a\n- get: /b", names={"zero": 0}, more="data: {zero: {choice: [0]}}\n"
    )
    assert (played.targets, played.ended) == ([], ["unsendable"])
    assert played.rows["a", ""].errors == {"unsendable": 1}
    (told,) = played.first_errors.values()
    assert re.fullmatch(r"a \(\S+:\d+\): division by zero", told)


def test_constants_that_make_no_request_are_counted_as_well(play) -> None:
    assert play("- get: /a?x=${1 / 0}\n  name: a").ended == ["unsendable"]


WORDS = "data: {words: {choice: ['a,b,c']}}\ndefaults: {}"


def test_a_loop_goes_through_its_list(play) -> None:
    played = play(
        '- for_each: ${split(words, ",")}\n  as: w\n  steps:\n    - get: "/x?w=${w}"\n    - pause: 10ms\n- get: /end',
        more=WORDS,
    )
    assert played.targets == ["/x?w=a", "/x?w=b", "/x?w=c", "/end"]
    assert played.times == [0, 110, 220, 330]


PAUSES = """
- for_each: ${outer}
  as: o
  steps:
    - for_each: ${inner}
      as: i
      steps:
        - get: /x
        - pause: 0s to 1000s
"""


def pauses(played) -> list[float]:
    ends = [*played.times[1:], played.ended_ms]
    return [round(end - at - 100, 3) for at, end in zip(played.times, ends, strict=True)]


@pytest.mark.parametrize(("outer", "inner"), [(1, 300), (30, 10)])
def test_every_pass_of_nested_loops_draws_anew(play, outer, inner) -> None:
    more = "setup: [{get: /s, capture: {outer: $.o, inner: $.i}}]\ndefaults: {}"
    names = {"outer": list(range(outer)), "inner": list(range(inner))}
    drawn = pauses(play(PAUSES, more=more, names=names))
    assert len(drawn) == outer * inner
    assert len(set(drawn)) == outer * inner
    assert 450_000 < sum(drawn) / len(drawn) < 550_000
    assert drawn == pauses(play(PAUSES, more=more, names=names))
    assert drawn != pauses(play(PAUSES, more=more, names=names, seed=2))


def test_a_name_that_is_drawn_keeps_its_value_in_every_pass(play) -> None:
    more = f"data: {{size: {{choice: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}}}\n{CAPTURED.splitlines()[0]}"
    played = play(
        '- for_each: ${hits}\n  as: h\n  steps: [{get: "/x?size=${size}"}]', more=more, names={"hits": [1] * 20}
    )
    assert len(set(played.targets)) == 1


@pytest.mark.parametrize(
    ("hits", "why"),
    [
        ("text", "`for_each` goes through a list, and this is a text"),
        (5, "`for_each` goes through a list, and this is a number"),
        (None, "`for_each` goes through a list, and this is null"),
        ({"a": 1}, "`for_each` goes through a list, and this is a map"),
        ([0] * 1001, "a list of more than 1,000 entries"),
    ],
)
def test_what_is_no_list_or_too_long_ends_the_round(play, hits, why) -> None:
    played = play("- for_each: ${hits}\n  as: h\n  steps: [{get: /x}]", more=CAPTURED, names={"hits": hits})
    assert (played.sent, played.ended) == ([], [f"expression s.yaml:10 {why}"])


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("- for_each: ${hits.gone}\n  as: h", "a text has no parts with a name"),
        ("- when: ${hits > 1}", "`>` cannot stand between a text and a number"),
        ("- when: ${1 / 0 > 1}", "division by zero"),
    ],
)
def test_an_expression_that_does_not_fit_its_data_ends_the_round_with_its_place(play, step, why) -> None:
    played = play(step + "\n  steps: [{get: /x}]", more=CAPTURED, names={"hits": "text"})
    assert (played.sent, played.ended) == ([], [f"expression s.yaml:10 {why}"])


@pytest.mark.parametrize(("n", "targets"), [(5, ["/then"]), (2, ["/else"])])
def test_a_condition_chooses(play, n, targets) -> None:
    more = "data: {n: {choice: [0]}}\ndefaults: {}"
    steps = "- when: ${n > 2}\n  steps: [{get: /then}]\n  otherwise: [{get: /else}]"
    assert play(steps, more=more, names={"n": n}).targets == targets


@pytest.mark.parametrize(
    ("pause", "cap", "low", "high", "mean"),
    [
        ("2s", "", 2000, 2000, (2000, 2000)),
        ("1s to 3s", "", 1000, 3000, (1900, 2100)),
        ("about 2s", "", 300, 12_000, (1900, 2400)),
    ],
)
def test_a_pause_lasts_as_long_as_is_said(play, pause, cap, low, high, mean) -> None:
    steps = f"- for_each: ${{hits}}\n  as: h\n  steps:\n    - get: /x\n    - pause: {pause}"
    drawn = pauses(play(steps, more=CAPTURED, names={"hits": [0] * 500}))
    assert all(low <= ms <= high for ms in drawn), cap
    assert mean[0] <= sum(drawn) / len(drawn) <= mean[1]
    if pause.startswith("about"):  # half below the median, nine in ten between half and double
        assert 220 < sum(ms < 2000 for ms in drawn) < 280
        assert 425 < sum(1000 < ms < 4000 for ms in drawn) < 475


WAIT = """
- get: /job
  name: job
  until: {$.state: done}
  every: 400ms
  give_up_after: 2s
  expect: {$.result: present}
  capture: {result: $.result}
- get: /end
"""


def after(ms: float, **members: object):
    return lambda _, now: json(**(members if now >= ms else {"state": "running"}))


def test_a_wait_polls_at_its_pace_until_the_answer_is_as_wanted(play) -> None:
    played = play(WAIT, after(900, state="done", result=5))
    assert played.times == [0, 500, 1000, 1100]
    assert played.targets == ["/job", "/job", "/job", "/end"]
    assert played.names["result"] == 5
    waits, polls = played.rows["job", "wait"], played.rows["job", "poll"]
    assert (waits.n, waits.failed, polls.n, polls.failed) == (1, 0, 3, 0)
    assert max(waits.response) == max(played.rows["job", "wait"].service)
    assert ("job", "") not in played.rows


def test_the_time_of_a_wait_begins_when_its_first_poll_was_due(play) -> None:
    limits = {("job", "wait"): (1100 * MS - 1, 1100 * MS), ("job", "poll"): (99 * MS, 100 * MS)}
    played = play(WAIT, after(900, state="done", result=5), limits=limits)
    assert played.rows["job", "wait"].over == {1100 * MS - 1: 1, 1100 * MS: 0}
    assert played.rows["job", "poll"].over == {99 * MS: 3, 100 * MS: 0}
    later = play("- pause: 70ms" + WAIT, after(900, state="done", result=5), limits=limits)
    assert later.rows["job", "wait"].over == {1100 * MS - 1: 1, 1100 * MS: 0}


@pytest.mark.parametrize(("most", "polls"), [("2s", [0, 500, 1000, 1500, 2000]), ("1999ms", [0, 500, 1000, 1500])])
def test_a_wait_gives_up_instead_of_asking_too_late(play, most, polls) -> None:
    played = play(WAIT.replace("2s", most), after(9999))
    assert played.times == polls
    assert (played.ended, played.ended_ms) == (["gave up"], polls[-1] + 100)
    waits, single = played.rows["job", "wait"], played.rows["job", "poll"]
    assert (waits.n, waits.errors, waits.unavailable, waits.unanswered) == (1, {"gave up": 1}, 0, 0)
    assert histogram.highest(max(waits.response)) >= (polls[-1] + 100) * 1000 >= histogram.lowest(max(waits.response))
    assert (single.n, single.failed) == (len(polls), 0)


def test_what_is_expected_is_judged_on_the_final_answer_only(play) -> None:
    played = play(WAIT, after(400, state="done"))
    assert played.ended == ["check s.yaml:15 $.result present"]
    assert played.rows["job", "wait"].errors == {"check s.yaml:15 $.result present": 1}
    assert played.rows["job", "poll"].failed == 0


def test_a_poll_without_an_answer_is_an_error_and_not_the_end(play) -> None:
    played = play(WAIT, after(0, state="done", result=1), refused=((0, 300 * MS),))
    assert played.ended == [None]
    assert played.rows["job", "poll"].errors == {"refused": 1}
    assert played.rows["job", "wait"].failed == 0


def test_a_poll_that_failed_is_an_error_and_not_the_end(play) -> None:
    def answer(_: str, now: float) -> Reply:
        return Reply(503) if now < 400 else json(state="done", result=1)

    played = play(WAIT, answer)
    assert played.ended == [None]
    assert played.rows["job", "poll"].errors == {"status 503": 1}


@pytest.mark.parametrize(("status", "errors"), [(404, {}), (202, {}), (500, {"status 500": 1})])
def test_waiting_for_a_status_means_that_others_are_not_yet_it(play, status, errors) -> None:
    played = play(
        "- get: /job\n  name: job\n  until: {status: 200}", lambda _, now: Reply(status if now < 500 else 200)
    )
    assert played.ended == [None]
    assert played.rows["job", "poll"].n == 2
    assert played.rows["job", "poll"].errors == errors


def test_a_wait_for_a_status_is_over_whatever_that_status_is(play) -> None:
    played = play("- get: /job\n  name: job\n  until: {status: 404}\n- get: /end", lambda *_: Reply(404))
    assert (played.targets, played.ended) == (["/job", "/end"], [None])
    assert played.rows["job", "wait"].failed == played.rows["job", "poll"].failed == 0


def test_a_wait_that_gave_up_on_a_broken_service_is_unavailable(play) -> None:
    played = play(WAIT, lambda *_: Reply(503))
    waits = played.rows["job", "wait"]
    assert (played.ended, waits.errors, waits.unavailable) == (["gave up"], {"gave up": 1}, 1)


def test_a_wait_that_gave_up_without_any_answer_has_no_duration(play) -> None:
    waits = play(WAIT, refused=((0, 9 * SECOND),)).rows["job", "wait"]
    assert (waits.errors, waits.unavailable, waits.unanswered) == ({"gave up": 1}, 1, 1)


@pytest.mark.parametrize(("cut_ms", "kind"), [(50, None), (150, "unfinished"), (700, "unfinished"), (1050, None)])
def test_a_wait_that_is_cut_by_the_end_is_unfinished_and_in_no_number(play, cut_ms, kind) -> None:
    played = play(WAIT, after(900, state="done", result=5), cut_ms=cut_ms)
    assert played.ended == [kind]
    assert (("job", "wait") in played.rows) is (kind is None)


def test_a_pause_that_is_cut_by_the_end_is_no_wait(play) -> None:
    assert play("- pause: 1s\n- get: /a", cut_ms=500).ended == ["stopped"]


def test_what_is_waited_for_may_be_drawn(play) -> None:
    played = play(
        "- get: /a\n  capture: {id: $.id}\n- get: /job\n  name: job\n  until: {$.id: '${id}', $.run: '${run.id}'}",
        lambda *_: json(id=4, run="r1"),
    )
    assert (played.targets, played.ended) == (["/a", "/job"], [None])


def test_tags_are_fixed_or_drawn(play) -> None:
    more = "data: {lang: {choice: [true]}}\ndefaults: {}"
    tags = "tags: {tier: gold, lang: '${lang}-${run.id}'}"
    played = play(f"- get: /a\n  {tags}\n- get: /job\n  name: job\n  until: {{status: 200}}\n  {tags}", more=more)
    assert played.ended == [None]
    assert played.tags == {
        "get /a": {(("lang", "true-r1"), ("tier", "gold"))},
        "job": {(("lang", "true-r1"), ("tier", "gold"))},
    }


def test_a_tag_that_cannot_be_computed_is_unknown_and_the_request_is_sent(play) -> None:
    played = play("- get: /a\n  tags: {hits: '${hits.gone}'}", more=CAPTURED, names={"hits": "text"})
    assert (played.targets, played.ended) == (["/a"], [None])
    assert played.tags == {"get /a": {(("hits", "unknown"),)}}
