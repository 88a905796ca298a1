"""Steps that hold other steps, played against a simulated service whose answers take 100 ms each."""

from collections import Counter
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfspec.engine.sim import Reply
from perfspec.metrics import histogram

MS = 1_000_000
NUMBER = "data: {n: {choice: [0]}}\ndefaults: {}"


def json(**members: object) -> Reply:
    return Reply(200, orjson.dumps(members))


def ms(row) -> tuple[float, float]:
    """The shortest and the longest duration of a row, give or take a thousandth."""
    return histogram.lowest(min(row.response)) / 1000, histogram.highest(max(row.response)) / 1000


class TestRepeat:
    def test_the_steps_happen_that_often(self, play) -> None:
        played = play("- repeat: 3 times\n  steps: [{get: /a}, {pause: 50ms}]\n- get: /end")
        assert played.targets == ["/a", "/a", "/a", "/end"]
        assert played.times == [0, 150, 300, 450]

    def test_how_often_is_drawn_evenly_and_the_same_for_the_same_seed(self, play) -> None:
        steps = "- repeat: 2 to 5 times\n  steps: [{get: /a}]"
        often = [len(play(steps, seed=seed).sent) for seed in range(400)]
        assert set(often) == {2, 3, 4, 5}
        assert all(70 < n < 130 for n in Counter(often).values())
        assert often[:20] == [len(play(steps, seed=seed).sent) for seed in range(20)]

    def test_it_is_drawn_anew_in_every_pass_of_a_loop_around_it(self, play) -> None:
        steps = "- repeat: 300 times\n  steps:\n    - get: /x\n    - repeat: 0 to 3 times\n      steps: [{get: /a}]"
        targets = play(steps).targets
        begins = [i for i, target in enumerate([*targets, "/x"]) if target == "/x"]
        often = Counter(after - before - 1 for before, after in pairwise(begins))
        assert set(often) == {0, 1, 2, 3}
        assert all(45 < n < 105 for n in often.values())

    def test_pauses_of_nested_loops_are_all_different(self, play) -> None:
        steps = "- repeat: 20 times\n  steps:\n    - repeat: 10 times\n      steps: [{pause: 0s to 1000s}, {get: /a}]"
        times = play(steps).times
        gaps = {round(after - before, 3) for before, after in pairwise(times)}
        assert len(gaps) == 199


class TestChoose:
    STEPS = """
- repeat: 1000 times
  steps:
    - choose:
        - weight: 6
          steps: [{get: /a}]
        - weight: 0
          steps: [{get: /never}]
        - weight: 3.5
          steps: [{get: /b}]
        - weight: 0.5
          steps: [{get: /c}]
"""

    def test_the_mix_is_near_the_weights(self, play) -> None:
        found = Counter(target for seed in range(4) for target in play(self.STEPS, seed=seed).targets)
        assert found.keys() == {"/a", "/b", "/c"}
        for target, share in (("/a", 0.6), ("/b", 0.35), ("/c", 0.05)):
            deviation = (4000 * share * (1 - share)) ** 0.5
            assert abs(found[target] - 4000 * share) < 4 * deviation

    def test_a_way_without_a_weight_weighs_one(self, play) -> None:
        steps = "- choose:\n    - steps: [{get: /a}]\n    - {weight: 3, steps: [{get: /b}]}"
        found = Counter(play(steps, seed=seed).targets[0] for seed in range(400))
        assert 60 < found["/a"] < 140

    def test_the_same_seed_chooses_the_same(self, play) -> None:
        assert play(self.STEPS).targets == play(self.STEPS).targets != play(self.STEPS, seed=2).targets


class TestSet:
    def test_values_keep_their_type_or_become_text(self, play) -> None:
        played = play(SET, more=NUMBER)
        assert played.names["size"] == 1
        assert played.names["whole"] == 1
        assert played.names["list"] == [0, {"deep": "x"}]
        assert played.names["next"] == 2
        assert orjson.loads(played.sent[0][1].partition("\r\n\r\n")[2]) == {"w": 1, "t": "n is 0", "k": None}

    def test_a_name_counts_through_the_passes_of_a_loop(self, play) -> None:
        assert play(COUNTING).targets == ["/a?p=1", "/a?p=2", "/a?p=3"]

    def test_what_cannot_be_computed_ends_the_round_with_its_place(self, play) -> None:
        played = play("- set:\n    x: ${1 / n}\n- get: /a", more=NUMBER)
        assert (played.sent, played.ended) == ([], ["expression s.yaml:11 division by zero"])


SET = """
- set: {size: "${n + 1}", kept: null}
- set:
    whole: ${n + 1}
    text: n is ${n}
    list: [0, {deep: x}]
    next: ${whole * 2}
- post: /a
  json:
    w: ${whole}
    t: ${text}
    k: ${kept}
"""
COUNTING = """
- set: {page: 1}
- repeat: 3 times
  steps:
    - get: /a?p=${page}
    - set:
        page: ${page + 1}
"""


class TestStop:
    @pytest.mark.parametrize("what", ["round", "user"])
    def test_the_rest_is_left_out_and_nothing_has_failed(self, play, what) -> None:
        inner = f"{{get: /a}}, {{when: '${{n == 0}}', steps: [{{stop: {what}}}]}}, {{get: /b}}"
        played = play(f"- group: all\n  steps: [{inner}]", more=NUMBER)
        assert (played.targets, played.ended) == (["/a"], [f"stop {what}"])
        assert (played.rows["all", "group"].n, played.rows["all", "group"].failed) == (1, 0)


GROUP = """
- pause: 70ms
- group: all
  steps:
    - get: /a
    - pause: 500ms
    - get: /job
      name: job
      until: {$.state: done}
      every: 400ms
    - pause: 30ms
"""


class TestGroup:
    def test_it_is_timed_with_its_pauses_and_without(self, play) -> None:
        played = play(GROUP, lambda target, now: json(state="done" if target == "/a" or now > 1000 else "running"))
        assert played.times == [70, 670, 1170]
        own, whole = played.rows["all", "group"], played.rows["all", "group with pauses"]
        assert ms(own) == pytest.approx((700, 700), rel=0.001)
        assert ms(whole) == pytest.approx((1230, 1230), rel=0.001)
        assert (own.n, own.failed, whole.n) == (1, 0, 1)

    def test_limits_are_counted_on_the_time_without_pauses(self, play) -> None:
        limits = {("all", "group"): (700 * MS - 1, 700 * MS)}
        played = play(GROUP, lambda _, now: json(state="done" if now > 1000 else "running"), limits=limits)
        assert played.rows["all", "group"].over == {700 * MS - 1: 1, 700 * MS: 0}

    def test_a_request_that_failed_fails_the_group_and_not_the_next_one(self, play) -> None:
        steps = "- repeat: 2 times\n  steps:\n    - group: all\n      steps: [{get: /a}, {get: /b}]"
        played = play(steps, lambda target, now: Reply(503 if target == "/a" and now < 100 else 200))
        assert (played.rows["all", "group"].n, played.rows["all", "group"].errors) == (2, {"status 503": 1})

    def test_a_round_that_ends_inside_fails_the_group(self, play) -> None:
        played = play("- group: all\n  steps: [{get: /a}, {get: /b}]", refused=((0, 1000 * MS),))
        assert played.ended == ["refused"]
        assert played.rows["all", "group"].errors == {"refused": 1}

    def test_what_cannot_be_computed_inside_fails_the_group(self, play) -> None:
        played = play("- group: all\n  steps: [{when: '${1 / n > 1}', steps: [{get: /a}]}]", more=NUMBER)
        assert played.rows["all", "group"].errors == {"expression s.yaml:11 division by zero": 1}

    def test_a_group_that_sent_nothing_is_no_group(self, play) -> None:
        played = play(
            "- get: /a\n- group: all\n  steps: [{when: '${n > 0}', steps: [{get: /b}]}, {pause: 1s}]", more=NUMBER
        )
        assert ("all", "group") not in played.rows

    def test_a_group_that_the_end_cuts_off_is_in_no_number(self, play) -> None:
        played = play("- group: all\n  steps: [{get: /a}, {pause: 1s}, {get: /b}]", cut_ms=500)
        assert played.ended == ["stopped"]
        assert ("all", "group") not in played.rows


class TestParallel:
    def test_children_happen_at_once_and_are_timed_as_one(self, play) -> None:
        played = play("- parallel: page\n  steps: [{get: /a}, {get: /b}, {get: /c}]\n- get: /end")
        assert played.targets == ["/a", "/b", "/c", "/end"]
        assert played.times == [0, 0, 0, 100]
        assert ms(played.rows["page", "group"]) == pytest.approx((100, 100), rel=0.001)

    def test_its_own_time_is_that_of_the_branch_that_was_busy_longest(self, play) -> None:
        steps = """
- group: all
  steps:
    - get: /first
    - parallel: page
      steps:
        - repeat: 2 times
          steps: [{get: /a}]
        - repeat: 1 times
          steps: [{get: /b}, {pause: 700ms}]
    - pause: 50ms
"""
        played = play(steps)
        assert ms(played.rows["page", "group"]) == pytest.approx((200, 200), rel=0.001)
        assert ms(played.rows["page", "group with pauses"]) == pytest.approx((800, 800), rel=0.001)
        assert ms(played.rows["all", "group"]) == pytest.approx((300, 300), rel=0.001)
        assert ms(played.rows["all", "group with pauses"]) == pytest.approx((950, 950), rel=0.001)

    def test_what_branches_capture_is_known_afterwards_in_their_order(self, play) -> None:
        played = play(BRANCHES, lambda target, _: json(id=target[1:]), latency=iter_of(300 * MS, 100 * MS, 100 * MS))
        assert played.targets == ["/a", "/b", "/end?mine=a&both=b"]

    def test_the_last_branch_counts_whichever_answers_last(self, play) -> None:
        played = play(BRANCHES, lambda target, _: json(id=target[1:]), latency=iter_of(100 * MS, 300 * MS, 100 * MS))
        assert played.targets == ["/a", "/b", "/end?mine=a&both=b"]

    def test_a_branch_does_not_see_what_another_one_binds(self, play) -> None:
        played = play(BLIND, lambda *_: json(id="new"))
        assert sorted(played.targets) == ["/a", "/b?id=old", "/b?id=old", "/end?id=new"]

    def test_a_branch_that_fails_ends_the_round_when_all_are_over(self, play) -> None:
        played = play(
            "- parallel: page\n  steps: [{get: /a, capture: {x: $.x}}, {repeat: 2 times, steps: [{get: /b}]}]"
            "\n- get: /end",
            lambda target, _: Reply(503 if target == "/a" else 200),
        )
        assert (played.targets, played.ended, played.ended_ms) == (["/a", "/b", "/b"], ["status 503"], 200)
        assert played.rows["page", "group"].errors == {"status 503": 1}

    def test_a_failure_weighs_more_than_a_stop(self, play) -> None:
        inner = "{when: '${n == 0}', steps: [{stop: round}]}, {get: /a, capture: {x: $.x}}"
        steps = f"- parallel: page\n  steps: [{inner}]"
        assert play(steps, lambda *_: Reply(503), more=NUMBER).ended == ["status 503"]
        assert play(steps, lambda *_: json(x=1), more=NUMBER).ended == ["stop round"]

    def test_a_failed_request_in_a_branch_fails_the_groups_around_it(self, play) -> None:
        steps = "- group: all\n  steps:\n    - parallel: page\n      steps: [{get: /a}, {get: /b}]"
        played = play(steps, lambda target, _: Reply(503 if target == "/b" else 200))
        assert played.rows["page", "group"].errors == played.rows["all", "group"].errors == {"status 503": 1}


def iter_of(*latencies: int):
    left = iter(latencies)
    return lambda _: next(left)


BRANCHES = """
- parallel: page
  steps:
    - get: /a
      capture: {mine: $.id, both: $.id}
    - get: /b
      capture: {both: $.id}
- get: /end?mine=${mine}&both=${both}
"""
BLIND = """
- set: {id: old}
- parallel: page
  steps:
    - get: /a
      capture: {id: $.id}
    - repeat: 2 times
      steps: [{get: "/b?id=${id}"}]
- get: /end?id=${id}
"""
LOOPS = """
- repeat: 2 to 4 times
  steps:
    - parallel: page
      steps:
        - repeat: 3 to 6 times
          steps:
            - choose:
                - steps: [{get: "/a?n=${n}"}]
                - steps: [{get: /b}, {pause: 0s to 3s}]
        - group: other
          steps:
            - pause: 0s to 3s
            - repeat: 3 to 6 times
              steps:
                - choose:
                    - steps: [{get: /c}]
                    - steps: [{get: /d}]
            - pause: 0s to 3s
"""


class TestWhateverTheLatencies:
    @settings(max_examples=25, deadline=None)
    @given(seed=st.integers(1, 1000), latencies=st.lists(st.integers(1, 5_000), min_size=1, max_size=7))
    def test_a_user_does_the_same_and_pauses_as_long(self, play, seed, latencies) -> None:
        """The paths of each branch, and how long it paused, do not depend on how fast anything was answered."""

        def essence(latency):
            played = play(LOOPS, more="data: {n: {choice: [1, 2, 3, 4, 5]}}\ndefaults: {}", seed=seed, latency=latency)
            left = [target for target in played.targets if target[1] in "ab"]
            right = [target for target in played.targets if target[1] in "cd"]
            return left, right

        def varied():
            turn = iter(range(10_000))
            return lambda _: latencies[next(turn) % len(latencies)] * MS

        assert essence(lambda _: 100 * MS) == essence(varied())

    def test_pauses_in_a_branch_do_not_depend_on_the_other_branch(self, play) -> None:
        def lengths(latency):
            played = play(PAUSING, latency=latency)
            times = [at for at, target in zip(played.times, played.targets, strict=True) if target == "/b"]
            return [round(after - before) for before, after in pairwise(times)]

        fast, slow = lengths(lambda _: 100 * MS), lengths(SlowFirst())
        assert len(fast) == 9
        assert fast == slow


PAUSING = """
- parallel: page
  steps:
    - repeat: 10 times
      steps: [{get: /a}]
    - repeat: 10 times
      steps: [{get: /b}, {pause: 0s to 10s}]
"""


class SlowFirst:
    """Every other of the first answers is slow: those of the first branch."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _: float) -> int:
        self.asked += 1
        return 7000 * MS if self.asked == 1 else 100 * MS


FRAGMENT = """data: {n: {choice: [1, 2, 3]}, role: {choice: [nobody]}}
fragments: {sign-in: {needs: [role, extra], gives: [token], steps: [
  {get: "/s?role=${role}&extra=${extra}&n=${n}", name: s, capture: {token: $.id, inner: $.id}},
  {repeat: 2 times, steps: [{get: "/t?token=${token}&user=${user.number}", name: t}, {pause: 0s to 9s}]}]}}"""
USES = """
- set: {inner: mine}
- get: /n?n=${n}
- use: sign-in
  with: {role: student, extra: 5}
- get: /end?token=${token}&inner=${inner}&role=${role}
- use: sign-in
  with:
    role: ${inner}
    extra: ${n + 1}
"""


class TestUse:
    def test_a_fragment_knows_what_it_is_given_and_gives_what_it_says(self, play) -> None:
        played = play(USES, lambda target, _: json(id=f"id-{target[1]}"), more=FRAGMENT)
        n = int(played.targets[0][-1])
        assert played.targets == [
            f"/n?n={n}",
            f"/s?role=student&extra=5&n={n}",
            *["/t?token=id-s&user=7"] * 2,
            "/end?token=id-s&inner=mine&role=nobody",
            f"/s?role=mine&extra={n + 1}&n={n}",
            *["/t?token=id-s&user=7"] * 2,
        ]

    def test_a_number_in_quotes_that_is_only_kept_is_a_number(self, play) -> None:
        steps = """
- set: {twice: "${n * 2}"}
- use: sign-in
  with: {role: a, extra: "${twice + 1}"}
- get: /end?n=${twice + 1}
"""
        played = play(steps, lambda *_: json(id="x"), more=FRAGMENT)
        assert f"extra={int(played.targets[-1].rpartition('=')[2])}&" in played.targets[0]

    def test_every_use_draws_for_itself(self, play) -> None:
        played = play(USES, lambda *_: json(id="x"), more=FRAGMENT)
        first, second = played.times[4] - played.times[3], played.ended_ms - played.times[-1]
        assert first != second

    def test_a_fragment_in_parallel_branches_keeps_their_names_apart(self, play) -> None:
        steps = """
- parallel: both
  steps:
    - use: sign-in
      with: {role: a, extra: 1}
    - use: sign-in
      with: {role: b, extra: 2}
- get: /end?token=${token}
"""
        played = play(steps, lambda target, _: json(id=target[8]), more=FRAGMENT)
        assert sorted(played.targets)[1:] == sorted(
            [*["/t?token=a&user=7", "/t?token=b&user=7"] * 2, *[t for t in played.targets if t.startswith("/s")]]
        )
        assert played.targets[-1] == "/end?token=b"

    def test_a_round_that_ends_in_a_fragment_leaves_no_trace_of_it(self, play) -> None:
        played = play(USES, lambda *_: Reply(500), more=FRAGMENT)
        assert played.ended == ["status 500"]
        assert played.names["inner"] == "mine"
        assert "extra" not in played.names
