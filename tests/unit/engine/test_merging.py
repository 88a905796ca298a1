"""What several processes told of a second: counts add up however they were split, and the worst process shows."""

from hypothesis import given
from hypothesis import strategies as st

from perfspec.engine.merging import merged
from perfspec.engine.part import Told
from perfspec.metrics.rows import Row
from perfspec.metrics.series import Key, Slice
from perfspec.metrics.vitals import Lost, Vitals

KEYS = st.builds(
    Key, st.sampled_from("ab"), st.sampled_from(["", "round"]), part=st.sampled_from(["load", "each_user"])
)
COUNTS = st.dictionaries(st.integers(0, 9), st.integers(1, 5), max_size=4)
SLICES = st.builds(
    Slice,
    KEYS,
    st.integers(0, 3),
    st.integers(0, 20),
    st.dictionaries(st.sampled_from(["timeout", "refused"]), st.integers(1, 3)),
    st.integers(0, 3),
    COUNTS,
    COUNTS,
    COUNTS,
    COUNTS,
    st.integers(0, 3),
    COUNTS,
)
TOLDS = st.builds(
    Told,
    st.just(4),
    st.integers(0, 50),
    st.lists(SLICES, max_size=6),
    st.integers(0, 50),
    COUNTS,
    cpu_ns=st.integers(0, 10**9),
    held=st.integers(0, 5),
)


def sums(told: Told) -> dict:
    found: dict = {}
    for piece in told.slices:
        found.setdefault((piece.key, piece.second), Row()).add(piece)
    return found


def counted(told: Told) -> tuple:
    return told.users, told.waiting, told.lateness, told.cpu_ns, told.held, sums(told)


@given(st.lists(TOLDS, min_size=1, max_size=6), st.data())
def test_any_split_adds_up_to_the_whole(tolds, data) -> None:
    """Merged at once, or in two groups whose sums are merged."""
    cut = data.draw(st.integers(0, len(tolds)))
    at_once = merged(4, list(enumerate(tolds)))
    groups = [group for group in (tolds[:cut], tolds[cut:]) if group]
    in_groups = merged(4, [(n, merged(4, list(enumerate(group)))) for n, group in enumerate(groups)])
    assert counted(at_once) == counted(in_groups)
    assert sums(at_once) == sums(Told(4, 0, [piece for told in tolds for piece in told.slices], 0))
    assert len({(piece.key, piece.second) for piece in at_once.slices}) == len(at_once.slices)


@given(st.lists(TOLDS, min_size=1, max_size=4))
def test_merging_changes_nothing_that_was_told(tolds) -> None:
    before = [counted(told) for told in tolds]
    merged(4, list(enumerate(tolds)))
    assert [counted(told) for told in tolds] == before


def told(number=4, **more) -> Told:
    return Told(number, more.pop("users", 5), more.pop("slices", []), 0, **more)


def test_the_worst_process_shows() -> None:
    well = Vitals({100: 100}, 0.5, 0.0, descriptors=10, descriptors_limit=100, ports=7, ports_limit=1000)
    starved = Vitals({100: 90, 80_000: 10}, 0.6, 0.0, descriptors=90, descriptors_limit=100, ports=8, ports_limit=1000)
    heard = [
        (0, told(cpu_ns=100, vitals=well)),
        (1, told(cpu_ns=900, vitals=starved, lateness={50_000: 1})),
        (2, told(cpu_ns=200, vitals=well)),
    ]
    found = merged(4, heard)
    assert found.vitals is not None
    assert found.vitals.lag == starved.lag
    assert (found.vitals.machine_busy, found.vitals.steal, found.vitals.throttles) == (0.6, 0.0, None)
    assert (found.vitals.descriptors, found.vitals.ports) == (90, 8)
    assert found.cpu_ns == 1200
    assert [(w.worker, w.users, w.cpu_ns, w.late_us) for w in found.workers] == [
        (1, 5, 100, 100),
        (2, 5, 900, 80_000),
        (3, 5, 200, 100),
    ]


def test_what_comes_late_counts_once_and_its_users_are_those_of_now() -> None:
    requests = [Slice(Key("a"), 2, 7)]
    heard = [(0, told(3, users=9, slices=requests)), (0, told(4, users=2)), (1, told(4, users=1))]
    found = merged(4, heard)
    assert (found.users, found.slices) == (3, requests)
    assert [(w.worker, w.requests) for w in found.workers] == [(1, 7), (2, 0)]


def test_a_second_is_an_ending_one_when_all_who_told_it_are_ending() -> None:
    assert merged(4, [(0, told(is_ending=True)), (1, told(is_ending=True))]).is_ending
    assert not merged(4, [(0, told(is_ending=True)), (1, told())]).is_ending
    assert merged(4, [(0, told(is_extended=True)), (1, told())]).is_extended


def test_what_is_waited_for_is_that_of_now_and_adds_up() -> None:
    def waits(number: int, n: int) -> Told:
        return Told(number, 1, [], n, under_way=[Slice(Key("a"), 2, n)])

    heard = [(0, waits(3, 9)), (0, waits(4, 2)), (1, waits(4, 3))]
    assert [(piece.second, piece.n) for piece in merged(4, heard).under_way] == [(2, 5)]


def test_a_second_that_nobody_told_says_who_was_lost() -> None:
    lost = (Lost(1, 2, 3, "ended by signal 9"),)
    found = merged(4, [], lost)
    assert (found.users, found.vitals, found.workers, found.lost) == (0, None, (), lost)
    assert lost[0].text == "worker 1 of 2 was lost (ended by signal 9): its 50% of the load is missing from 3 s on"
