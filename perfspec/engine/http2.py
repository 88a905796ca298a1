"""HTTP/2 as httpcore speaks it, with farewells taken as they are meant.

A service that closes a connection in order says so beforehand (GOAWAY without an error: nginx does after every thousand
requests) and answers what it has accepted. h2 and httpcore take that for the end of all streams, and answers that are
on their way for errors. Here the connection takes no more requests and is closed behind its last answer.
"""

from typing import Any

import h2.connection
import h2.errors
import h2.events
import httpcore
from httpcore._async import http2

__all__ = ["farewells_are_heard"]

_STAYS_OPEN = {
    **h2.connection.H2ConnectionStateMachine._transitions,  # noqa: SLF001 - there is no other way to say it
    (h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY): (
        None,
        h2.connection.ConnectionState.CLIENT_OPEN,
    ),
}
_NO_ERROR = h2.errors.ErrorCodes.NO_ERROR


class _Connection(http2.AsyncHTTP2Connection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._h2_state.state_machine._transitions = _STAYS_OPEN  # noqa: SLF001

    async def _read_incoming_data(self, request: httpcore.Request) -> list[h2.events.Event]:
        events = await super()._read_incoming_data(request)
        heard = [event for event in events if not self._is_farewell(event)]
        if len(heard) < len(events):
            self._used_all_stream_ids = True
        return heard

    def _is_farewell(self, event: h2.events.Event) -> bool:
        """Will all that is under way be answered?"""
        if not isinstance(event, h2.events.ConnectionTerminated) or event.error_code != _NO_ERROR:
            return False
        return max(self._events, default=0) <= (event.last_stream_id or 0)


def farewells_are_heard() -> None:
    """From now on, by every client of this process."""
    http2.AsyncHTTP2Connection = _Connection  # type: ignore[misc]
