"""What the index says of runs, and how it is asked. Whoever only speaks of it need not load a database."""

import msgspec

__all__ = ["Judged", "Run", "Wanted"]


class Judged(msgspec.Struct, frozen=True):
    threshold: str
    outcome: str


class Run(msgspec.Struct, frozen=True):
    """What is known of a run without its numbers."""

    run_id: str
    started_at: str
    """ISO 8601, UTC."""
    service: str
    stage: str
    environment: str
    fingerprint: str
    """Runs of one fingerprint may be compared."""
    commit: str
    branch: str
    outcome: str
    ended: str
    valid: bool
    """It went to its end, and the generator was on time."""
    accepted: bool
    """Valid and passed: later runs may be compared with it."""
    path: str
    """Its result file, when it was added."""


class Wanted(msgspec.Struct, frozen=True):
    """Which runs; empty: any."""

    service: str = ""
    stage: str = ""
    environment: str = ""
    fingerprint: str = ""
    branch: str = ""
    accepted: bool = False
    valid: bool = False
    without: str = ""
    """Not this run."""
    before: str = ""
    """Begun before that."""
