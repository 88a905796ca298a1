"""Where a run goes beside its folder: numbers to ask for while it lasts, a Pushgateway, whoever wants to be told."""

from collections.abc import Mapping
from dataclasses import dataclass

from perfspec.app.metrics import push
from perfspec.app.notify import notify
from perfspec.app.report import Finished
from perfspec.spec.model import Spec

__all__ = ["Outlets", "told"]


@dataclass(frozen=True, slots=True)
class Outlets:
    """What the call says about it; who is told is said by the spec."""

    junit: str = "junit"
    """The format of junit.xml."""
    metrics: str | None = None
    """[HOST:]PORT, where numbers can be asked for while the run lasts."""
    gateway: str | None = None
    """The address of a Pushgateway that gets the result."""


def told(finished: Finished, spec: Spec, secrets: Mapping[str, str], outlets: Outlets) -> list[str]:
    """Tell others of a run that has ended. What went wrong with that, in sentences: the run is what it is."""
    problems = [push(finished.result, outlets.gateway)] if outlets.gateway else []
    if spec.notify is not None:
        problems.append(notify(spec.notify, finished, secrets))
    return [problem for problem in problems if problem]
