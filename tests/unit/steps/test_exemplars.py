"""Requests to look at: which are kept, what is shown of them, and that no secret is."""

import gzip
from base64 import b64encode
from types import MappingProxyType

import msgspec
import orjson
import pytest

from perfspec.base.clock import SECOND
from perfspec.engine.exemplars import FAILURES, KINDS, SLOWEST, SLOWEST_EVERY, Exemplar, Exemplars
from perfspec.engine.sim import Reply
from perfspec.metrics.series import Key
from perfspec.steps.runtime import Call, Origin, Outcome, Vars

MS = 1_000_000
START = 1000 * SECOND
HEAD = "POST /v1/orders?q=tea HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer hunter2hunter2\r\n"
TRACED = f"{HEAD}traceparent: 00-{'ab' * 16}-{'cd' * 8}-01\r\n\r\n"


def call(message: str = f"{HEAD}\r\n{{}}") -> Call:
    return Call("order", Origin("shop.test", 80, "192.0.2.1"), SECOND, False, False, lambda _: message.encode())


def names(**known: object) -> Vars:
    found = Vars({"user.number": 7, "round.number": 3, **known})
    found.base, found.step, found.generators = 1, 0, MappingProxyType({})
    return found


def outcome(
    ms: int = 100, body: bytes = b'{"id": 1}', status: int = 200, headers: tuple = (), at: int = 1, coding: bytes = b""
) -> Outcome:
    found = Outcome()
    found.due = found.sent = START + at * SECOND
    found.sent += 2 * MS
    found.first, found.last = found.sent + 5 * MS, found.due + ms * MS
    found.status, found.body, found.head = status, body, Reply(status, headers=headers, coding=coding)
    return found


@pytest.fixture
def step_of(steps_of):
    def run(capture: str = "{id: $.id}"):
        (step,) = steps_of(f"- post: /v1/orders\n  name: order\n  capture: {capture}")
        return step

    return run


@pytest.fixture
def kept(step_of):
    """What is written of the requests that were kept."""

    def run(
        *outcomes: tuple[Outcome, str | None],
        scope: Vars | None = None,
        capture: str = "{id: $.id}",
        hidden: tuple[str, ...] = (),
        message: str = f"{HEAD}\r\n{{}}",
    ) -> tuple[Exemplar, ...]:
        exemplars = Exemplars.of(START, ["hunter2hunter2"], hidden)
        keeper = exemplars.keeper(Key("order", flow="buy"), step_of(capture))
        for found, kind in outcomes:
            if kind is not None or found.last - found.due > keeper.slower_than:
                keeper.keep(call(message), scope or names(), found, kind)
        return exemplars.drain(SLOWEST_EVERY)

    return run


def test_a_failed_request_is_shown_with_its_answer_and_its_times(kept) -> None:
    headers = ((b"content-type", b"application/json"), (b"set-cookie", b"sid=abcdefgh"))
    (found,) = kept(
        (outcome(250, b'{"error": "no tea"}', 503, headers), "status 503"), message=TRACED + '{"item": "tea"}'
    )
    assert (found.key.name, found.why, found.kind, found.status) == ("order", "failed", "status 503", 503)
    assert (found.user, found.round, found.due_ns) == (7, 3, SECOND)
    assert (found.response_ns, found.service_ns, found.first_byte_ns) == (250 * MS, 248 * MS, 5 * MS)
    assert found.trace_id == "ab" * 16
    assert found.sent.splitlines()[0] == "POST /v1/orders?q=tea HTTP/1.1"
    assert found.sent.endswith('\n\n{"item": "tea"}')
    assert "Authorization: ***" in found.sent
    assert found.answer == 'HTTP 503\ncontent-type: application/json\nset-cookie: ***\n\n{"error": "no tea"}'


def test_of_each_kind_the_first_are_kept_and_not_without_end(kept) -> None:
    many = [(outcome(at=n), f"status {500 + kind}") for n in range(9) for kind in range(KINDS + 5)]
    found = kept(*many)
    assert len(found) == FAILURES * KINDS
    assert {f.due_ns // SECOND for f in found} == set(range(FAILURES))


def test_the_slowest_of_a_stretch_are_kept_and_written_at_its_end(step_of) -> None:
    exemplars = Exemplars.of(START, (), ())
    keeper = exemplars.keeper(Key("order"), step_of())
    calls = 0
    for ms in (10, 30, 20, 5, 40, 1, 35, 2):
        found = outcome(ms)
        if found.last - found.due > keeper.slower_than:
            calls += 1
            keeper.keep(call(), names(), found, None)
    assert calls == 5
    assert exemplars.drain(SLOWEST_EVERY - 1) == ()
    assert [f.response_ns // MS for f in exemplars.drain(SLOWEST_EVERY)] == [40, 35, 30]
    assert exemplars.drain(2 * SLOWEST_EVERY) == ()
    keeper.keep(call(), names(), outcome(1), None)
    assert [f.why for f in exemplars.drain(1, is_last=True)] == ["slow"]
    assert SLOWEST == 3


@pytest.mark.parametrize(
    "written",
    ["hunter2hunter2", b64encode(b"hunter2hunter2").decode(), "x" * 1020 + "hunter2hunter2"],
)
def test_no_secret_is_shown_in_any_part(kept, written) -> None:
    scope = names(token="t0ken-of-the-round")
    body = orjson.dumps({"echo": written, "token": "t0ken-of-the-round", "id": 5})
    headers = ((b"x-echo", b"t0ken-of-the-round"),)
    message = f"{HEAD}X-Echo: t0ken-of-the-round\r\n\r\nkey={written}&token=t0ken-of-the-round"
    for found in kept((outcome(body=body, headers=headers), "status 500"), (outcome(body=body, headers=headers), None),
                      scope=scope, hidden=("token",), message=message):  # fmt: skip
        whole = msgspec.json.encode(found).decode()
        assert "hunter2hunter2"[:8] not in whole
        assert "t0ken" not in whole
        assert "***" in whole


@pytest.mark.parametrize(
    "capture", ["{token: secret $.token}", "{all: 'secret all $.list[*]'}", '{t: \'secret regex "token":"([^"]+)\'}']
)
def test_a_secret_that_an_answer_brings_is_hidden_before_it_was_captured(kept, capture) -> None:
    body = b'{"token":"fresh-t0ken","list":["fresh-t0ken","x"],"state":"no"}'
    (found,) = kept((outcome(body=body), "status 500"), capture=capture)
    assert "t0ken" not in found.answer
    assert '"state":"no"' in found.answer


def test_an_answer_that_may_hold_a_secret_is_not_shown_where_not_all_of_it_is_kept(kept) -> None:
    body = b'{"pad":"' + b"x" * 70_000 + b'","token":"fresh-t0ken"}'
    (found,) = kept((outcome(body=body), "status 500"), capture="{token: secret $.token}")
    assert found.answer.endswith("(not shown: it may hold a secret)")
    (found,) = kept((outcome(body=body), "status 500"))
    assert len(found.answer) < 2000


def test_a_packed_answer_is_shown_unpacked(kept) -> None:
    (found,) = kept((outcome(body=gzip.compress(b"no tea"), status=500, coding=b"gzip"), "status 500"))
    assert found.answer.endswith("no tea")


def test_what_is_shown_is_bounded_and_readable(kept) -> None:
    headers = tuple((b"x-%d" % n, b"v" * 5000) for n in range(100))
    (found,) = kept((outcome(body=b"\xff\xfe" + b"y" * 5000, headers=headers), "status 500"))
    assert len(found.answer) < 45_000
    assert "... 60 more headers" in found.answer
    assert found.answer.count("(5000 characters)") == 0


def test_branches_keep_their_names_when_the_round_goes_on(step_of) -> None:
    exemplars = Exemplars.of(START, (), ("token",))
    keeper = exemplars.keeper(Key("order"), step_of())
    outer = names(token="t0ken-of-the-round")
    inner = Vars(outer=outer)
    keeper.keep(call(), inner, outcome(body=b'{"x": "t0ken-of-the-round"}'), "status 500")
    outer.clear()
    (found,) = exemplars.drain(1)
    assert "t0ken" not in found.answer
    assert found.user == 7


def test_a_request_that_cannot_be_made_again_is_shown_by_its_answer_alone(step_of) -> None:
    exemplars = Exemplars.of(START, (), ())
    keeper = exemplars.keeper(Key("order"), step_of())

    def render(_: Vars) -> bytes:
        raise ValueError

    lost = Outcome()
    lost.due = lost.sent = lost.last = START
    lost.error = "unsendable"
    keeper.keep(Call("order", Origin("a", 1, "b"), 1, False, False, render), names(), lost, "unsendable")
    (found,) = exemplars.drain(1)
    assert (found.sent, found.answer, found.status, found.first_byte_ns) == ("", "", 0, 0)
