"""What is seen while the load runs: a live table on a terminal, plain lines elsewhere.

Drawing happens in a thread of its own, fed with what was logged, so that it cannot hold up the load.
"""

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from queue import SimpleQueue
from threading import Thread

import click

from perfspec.base.clock import SECOND
from perfspec.base.units import format_ms
from perfspec.engine.slicelog import LoggedSecond
from perfspec.metrics import histogram
from perfspec.metrics.error_kinds import DROPPED, NOT_SENT
from perfspec.metrics.rows import Row
from perfspec.metrics.series import ARRIVAL, Slice
from perfspec.plan.model import Plan
from perfspec.report.standing import Stand, Standing
from perfspec.report.words import count, cut, length

__all__ = ["Picture", "fitted", "progress"]

P95 = Fraction(19, 20)
PLAIN_EVERY = RECENT_SECONDS = 5
"""A line tells of what was since the last one."""
COLOURS = {"holds": "green", "broken": "red", "too early to say": "dim"}
WORST_FIRST = ("broken", "holds", "too early to say")
WIDTH_OF_NUMBERS = 34
"""What stands behind the name of a request. Names are cut where there is no room; numbers never are."""
WIDTH_OF_STAND = 49
"""What stands around a limit: `too early to say`, and `0.43 % of 12 345, 1.0 % allowed`."""
FIXED_LINES = 7
"""Of the picture: what the run is, how far it is, a heading, what is between them, and one to write below it."""
Draw = Callable[["Picture"], None]


class Picture:
    """The last seconds of a run, and how many failed in all."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.second = 0
        self.users = 0
        self.sent = 0
        self.failed = 0
        self.unserved: Counter[str] = Counter()
        """People who were to come: dropped, not sent, or without what each does first."""
        self.standing = Standing(plan)
        self._recent: deque[tuple[int, list[Slice]]] = deque()

    def add(self, line: LoggedSecond) -> None:
        self.standing.add(line)
        slices = [s for s in line.slices if s.key.part == "load"]
        self.second, self.users = line.second, line.users
        self._recent.append((line.second, slices))
        while self._recent[0][0] <= line.second - RECENT_SECONDS:
            self._recent.popleft()
        counted = [s for s in slices if s.key.timer in ("", "wait")]
        self.sent += sum(s.n for s in counted)
        self.failed += sum(sum(s.errors.values()) for s in counted)
        for piece in slices:
            if piece.key.timer == ARRIVAL:
                self.unserved.update(
                    {k if k in (DROPPED, NOT_SENT) else "kept out": n for k, n in piece.errors.items()}
                )

    @property
    def missing(self) -> str:
        """`67 dropped`; empty if everybody was served."""
        return ", ".join(f"{count(n)} {kind}" for kind, n in sorted(self.unserved.items()))

    @property
    def phase(self) -> str:
        """The phase that this second belongs to."""
        at = (self.second - 1) * SECOND
        found = [p for p in self.plan.phases if p.start_ns <= at]
        name = found[-1].name if found else self.plan.phases[0].name
        return f"{name} (running on)" if at >= self.plan.for_ns and self.users else name

    def rows(self) -> list[tuple[str, float, str, float]]:
        """(request, requests/s, p95, share of failed) of the last seconds, in the order of the spec."""
        seconds = min(self.second, RECENT_SECONDS) or 1
        rows: dict[str, Row] = {}
        for _, slices in self._recent:
            for piece in slices:
                if piece.key.timer in ("", "wait"):
                    rows.setdefault(piece.key.name, Row()).add(piece)
        order = {name: number for number, (name, _) in enumerate(self.plan.series_names())}
        return [
            (name, row.n / seconds, _p95(row), row.failed / row.n if row.n else 0.0)
            for name, row in sorted(rows.items(), key=lambda item: order.get(item[0], len(order)))
        ]


def fitted(
    rows: Sequence[tuple[str, float, str, float]], stands: Sequence[Stand], room: int
) -> tuple[Sequence[tuple[str, float, str, float]], Sequence[Stand], str]:
    """What a low terminal has lines for: at least half of them for limits, broken ones first; the rest in words."""
    if len(rows) + len(stands) <= room:
        return rows, stands, ""
    left = max(room - 1, 0)
    limits = min(len(stands), max(left // 2, left - len(rows)))
    shown = sorted(stands, key=lambda stand: WORST_FIRST.index(stand.word))[:limits]
    requests = rows[: left - limits]
    hidden = (
        f"and {len(rows) - len(requests)} more requests, {len(stands) - len(shown)} more limits; report.html has all"
    )
    return requests, shown, hidden


def _p95(row: Row) -> str:
    return format_ms(histogram.quantile(row.response, P95) * 1000) if row.response else "-"


@contextmanager
def progress(plan: Plan, *, quiet: bool) -> Iterator[Callable[[LoggedSecond], None]]:
    """A listener that shows the run while it lasts."""
    queue: SimpleQueue[LoggedSecond | None] = SimpleQueue()
    show = _nothing if quiet else _live if sys.stdout.isatty() else _plain

    thread = Thread(target=show, args=(plan, queue), name="progress", daemon=True)
    thread.start()
    try:
        yield queue.put
    finally:
        queue.put(None)
        thread.join(timeout=2)


def _feed(plan: Plan, queue: "SimpleQueue[LoggedSecond | None]", draw: Draw) -> None:
    picture = Picture(plan)
    while (line := queue.get()) is not None:
        picture.add(line)
        draw(picture)


def _nothing(plan: Plan, queue: "SimpleQueue[LoggedSecond | None]") -> None:
    _feed(plan, queue, lambda _: None)


def _headline(plan: Plan) -> str:
    return f"{plan.service} {plan.stage} on {plan.target.environment} ({plan.target.url}), {length(plan)}"


def _plain(plan: Plan, queue: "SimpleQueue[LoggedSecond | None]") -> None:
    click.echo(_headline(plan))
    said = 0

    def draw(picture: Picture) -> None:
        nonlocal said
        if picture.second % PLAIN_EVERY or picture.second == said:
            return
        said = picture.second
        rows = "  ".join(f"{name} p95 {p95}" for name, _, p95, _ in picture.rows())
        rate = sum(rate for _, rate, _, _ in picture.rows())
        errors = "  ".join(filter(None, (f"{picture.failed} of {count(picture.sent)} failed", picture.missing)))
        click.echo(
            f"{picture.second:5} s  {picture.phase}: {picture.users} users  {rate:.1f} requests/s  {errors}  {rows}"
        )

    _feed(plan, queue, draw)


def _live(plan: Plan, queue: "SimpleQueue[LoggedSecond | None]") -> None:
    from rich.console import Console, Group  # noqa: PLC0415 - only where there is a terminal
    from rich.live import Live  # noqa: PLC0415
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    def picture_of(picture: Picture) -> Group:
        total = plan.for_ns // SECOND
        if picture.second > total:
            total = plan.extend_to_ns // SECOND or total
        whole = f"{'at most ' if plan.search is not None else ''}{total} s"
        line = f"{picture.second} of {whole}  {picture.phase}  {picture.users} users  {count(picture.sent)} sent"
        line += f"  {picture.missing}"
        width, height = live.console.size
        rows, stands, more = fitted(picture.rows(), picture.standing.now(), height - FIXED_LINES)
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("request")
        for heading in ("requests/s", "p95", "failed"):
            table.add_column(heading, justify="right")
        for name, rate, p95, failed in rows:
            table.add_row(
                Text(cut(name, width - WIDTH_OF_NUMBERS)),
                f"{rate:.1f}",
                p95,
                Text(f"{failed:.1%}", "red" if failed else ""),
            )
        bar = ProgressBar(total=total, completed=min(picture.second, total), width=40)
        limits = Table(box=None, pad_edge=False, header_style="dim", show_header=False)
        for stand in stands:
            limits.add_row(
                Text(stand.word, COLOURS[stand.word]),
                Text(cut(stand.threshold, width - WIDTH_OF_STAND)),
                Text(stand.seen, "dim"),
            )
        head = Text(_headline(plan), "bold", no_wrap=True, overflow="ellipsis")
        below = [Text(more, "dim", no_wrap=True, overflow="ellipsis")] if more else []
        return Group(head, bar, Text("\n" + line, no_wrap=True, overflow="ellipsis"), table, Text(), limits, *below)

    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        _feed(plan, queue, lambda picture: live.update(picture_of(picture), refresh=True))
        # On leaving, the last picture would be drawn in full height, and what scrolls away cannot be taken back.
        live.update(Text(), refresh=True)
