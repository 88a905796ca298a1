"""`report.html` while the run lasts: what there is so far, drawn in its own thread, some milliseconds at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from perfspec.app.report import write_whole
from perfspec.engine.slicelog import LoggedSecond
from perfspec.plan.model import Plan
from perfspec.report.html.live import LivePage

__all__ = ["live_page"]

NAME = "report.html"
OFTEN_UNTIL, OFTEN, SELDOM = 60, 5, 15
"""Every five seconds in the first minute, then every fifteen: drawing must not be seen in what is measured."""


@contextmanager
def live_page(plan: Plan, folder: Path) -> Iterator[Callable[[LoggedSecond], None]]:
    """A listener. A page that cannot be written or drawn is left out; the run does not depend on it."""
    queue: SimpleQueue[LoggedSecond | None] = SimpleQueue()

    def keep() -> None:
        page = LivePage(plan)
        drawn = 0
        with suppress(OSError):
            while (second := queue.get()) is not None:
                page.add(second)
                if second.second - drawn >= (OFTEN if second.second <= OFTEN_UNTIL else SELDOM) or not drawn:
                    drawn = second.second
                    write_whole(folder / NAME, page.draw())

    thread = Thread(target=keep, name="live page", daemon=True)
    thread.start()
    try:
        yield queue.put
    finally:
        queue.put(None)
        thread.join(timeout=5)
