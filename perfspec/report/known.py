"""What is known of a run before it is judged, as fields of the result: whence it is, what was asked, how it ended."""

from typing import TypedDict

from perfspec.engine.slicelog import Beginning, End, Log
from perfspec.metrics.vitals import Lost
from perfspec.plan.fingerprint import fingerprint
from perfspec.plan.model import Plan, Skipped
from perfspec.verdict.abort import Abort

__all__ = ["asked", "ended", "lost", "whence"]


class Whence(TypedDict):
    """Where a run comes from, what carried it, and which others it may be compared with."""

    run_id: str
    started_at: str
    perfspec: str
    versions: dict[str, str]
    commit: str
    branch: str
    machine: str
    workers: int
    lost: tuple[Lost, ...]
    fingerprint: str


def whence(plan: Plan, beginning: Beginning, log: Log) -> Whence:
    return Whence(
        run_id=beginning.run_id,
        started_at=beginning.started_at,
        perfspec=beginning.perfspec,
        versions=beginning.versions,
        commit=beginning.commit,
        branch=beginning.branch,
        machine=beginning.machine,
        workers=beginning.workers,
        lost=lost(log),
        fingerprint=fingerprint(plan, beginning.machine),
    )


class Asked(TypedDict):
    spec: str
    service: str
    stage: str
    environment: str
    url: str
    seed: int
    plan_hash: str
    skipped: tuple[Skipped, ...]
    plan: Plan


def asked(plan: Plan) -> Asked:
    return Asked(
        spec=plan.spec,
        service=plan.service,
        stage=plan.stage,
        environment=plan.target.environment,
        url=plan.target.url,
        seed=plan.seed,
        plan_hash=plan.hash,
        skipped=plan.skipped,
        plan=plan,
    )


class Ended(TypedDict):
    ended: str
    ended_ns: int
    unfinished: int
    waits: int
    left: int
    abort: Abort | None


def ended(end: End) -> Ended:
    return Ended(
        ended=end.reason,
        ended_ns=end.ended_ns,
        unfinished=end.unfinished,
        waits=end.waits,
        left=end.left,
        abort=end.abort,
    )


def lost(log: Log) -> tuple[Lost, ...]:
    return tuple(each for second in log.seconds for each in second.lost)
