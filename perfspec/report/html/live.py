"""The page of a run that goes on: what there is so far. It loads itself again until the report takes its place."""

from perfspec.base.clock import SECOND
from perfspec.base.units import format_duration
from perfspec.engine.slicelog import LoggedSecond
from perfspec.plan.model import Plan
from perfspec.report.html import requests
from perfspec.report.html.markup import Markup, element
from perfspec.report.html.page import document
from perfspec.report.html.requests import Frame
from perfspec.report.standing import Stand, Standing
from perfspec.report.timeline import timeline_for
from perfspec.report.words import length

__all__ = ["LivePage"]

REFRESH_S = 5
GRAIN = 16
"""Less than the width of a line in the charts."""
BUCKETS = 180
"""A chart is twice as many pixels wide, and whoever watches a load pays for each of them in memory."""
WORDS = {"holds": "pass", "broken": "fail"}


class LivePage:
    """Fed with every second as it is logged; drawn when somebody asks."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._timeline = timeline_for(plan, GRAIN, BUCKETS)
        self._standing = Standing(plan)
        self._second = 0
        self._users = 0

    def add(self, second: LoggedSecond) -> None:
        self._second, self._users = second.second, second.users
        self._timeline.add(second)
        self._standing.add(second)

    def draw(self) -> bytes:
        plan, stands = self._plan, self._standing.now()
        planned = max(plan.for_ns, self._second * SECOND)
        broken = [stand.threshold for stand in stands if stand.word == "broken"]
        frame = Frame.of(plan, planned, plan.windows(planned), broken)
        name = f"{plan.service} {plan.stage} on {plan.target.environment}"
        charts = [
            element(
                "article",
                element("h3", requests.title(line)),
                element("div", *requests.over_time(frame, self._timeline, line), class_="charts"),
            )
            for line in requests.in_order(plan, self._timeline)
        ]
        return document(
            f"{name}: running",
            [
                self._head(name),
                _limits(stands),
                element(
                    "section", element("h2", "Requests"), requests.users(frame, self._timeline), *charts, id="requests"
                ),
            ],
            REFRESH_S,
        )

    def _head(self, name: str) -> Markup:
        total = length(self._plan)
        state = f"{format_duration(self._second * SECOND)} of {total}, {self._users} users. {self._plan.target.url}"
        note = "This page loads itself again while the run lasts; nothing is decided before its end."
        panel = element("div", element("strong", "running"), element("p", state), element("p", note), class_="verdict")
        return element("header", element("h1", name), panel)


def _limits(stands: list[Stand]) -> Markup:
    rows = [
        element(
            "tr",
            element("td", stand.word, class_=f"mark {WORDS.get(stand.word, '')}"),
            element("td", stand.threshold),
            element("td", stand.seen),
        )
        for stand in stands
    ]
    table = requests.table("How the limits stand", ("so far", "limit", "what was seen"), rows)
    return element("section", element("h2", "Limits"), table)
