"""A worker that cannot carry out an order."""

from types import SimpleNamespace

import pytest

from perfspec.base.codec import pack, unpack
from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.messages import Decide, Word
from perfspec.engine.worker import _Worker


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError("bug"), ["Crashed", "Done"]), (EnvironmentFailure("no"), ["Refused"])]
)
@pytest.mark.parametrize("is_stubborn", [False, True])
def test_it_sends_nothing_more_before_it_says_that_it_is_done(error, said, is_stubborn) -> None:
    events: list[str] = []

    def decide(**_: bool) -> None:
        raise error

    def stop(reason: str) -> None:
        events.append(reason)
        if is_stubborn:
            raise KeyError("another bug")

    worker = _Worker()
    worker._channel = SimpleNamespace(send=lambda data: events.append(type(unpack(data, Word)).__name__))
    worker._driver = SimpleNamespace(first_errors={}, transport=SimpleNamespace(sent_again=0))
    worker._part = SimpleNamespace(decide=decide, stop=stop)
    worker._heard(pack(Decide(extend=True)))
    first, *then = said
    assert events == [first, "crashed", "crashed", *then]
