"""Can this machine carry the plan? Asked before the load: a limit met in it would look like the service's fault.

Every user has a connection, and as many more as its widest `parallel` has branches at once. Each needs a descriptor of
this process, and a port of this machine, of which there are only so many towards one address.
"""

import os
import resource
from pathlib import Path

from perfspec.base.errors import EnvironmentFailure
from perfspec.engine.health import cpu_limit
from perfspec.load import Arrivals, Shape, Users
from perfspec.plan.model import Plan
from perfspec.steps import children, requests
from perfspec.steps.kinds import Parallel, Step, Upload

__all__ = ["check_machine", "connections", "most_workers", "usable_cores"]

SPARE_DESCRIPTORS = 64
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")


def connections(plan: Plan, workers: int = 1) -> int:
    """How many may be open at once; of several processes, in one of them: users are dealt out, but of the places of
    people who come one may have all.
    """
    closed = plan.most_together(Users)
    users = -(-closed // workers) + plan.most_together(Arrivals)
    return users * (1 + max(_branches(flow.steps) for flow in plan.flows))


def _branches(steps: tuple[Step, ...]) -> int:
    """Lanes that a user needs beside its own, at the widest place of these steps."""
    widest = 0
    for step in steps:
        below = [child for _, list_ in children(step) for child in list_]
        if isinstance(step, Parallel):
            widest = max(widest, sum(1 + _branches((child,)) for child in below))
        else:
            widest = max(widest, _branches(tuple(below)))
    return widest


def check_machine(plan: Plan, workers: int = 1) -> None:
    """Raises the soft limit of descriptors where that is allowed. Raises EnvironmentFailure where it is not enough.

    `workers`: processes that share the connections; the limit of this one is that of each.
    """
    wanted = connections(plan)
    who = f"{plan.most_users} users"
    if wanted != plan.most_users:
        who += ", each with branches that run at once,"
    each, sharers = connections(plan, workers), f", shared by {workers} workers," if workers > 1 else ""
    _descriptors(who + sharers, each + _uploads(plan) + SPARE_DESCRIPTORS + len(os.sched_getaffinity(0)))
    ports = _ports()
    if wanted > ports:
        message = f"{who} need {wanted} connections; this machine has {ports} ports for them"
        hint = "widen the range first: sysctl -w net.ipv4.ip_local_port_range='1024 65535', or use fewer users"
        raise EnvironmentFailure(message, hint)


def usable_cores(root: Path = Path("/")) -> int:
    """How many processes can compute at once: the cores that this one may use, or fewer where a CPU limit says so."""
    cores = len(os.sched_getaffinity(0))
    limit = cpu_limit(root)
    return cores if limit is None else max(min(cores, int(limit)), 1)


def most_workers(plan: Plan) -> int:
    """In how many parts a plan can be cut so that each has something to do: a user, a round, an arrival, a request of
    each second's ceiling.
    """
    loads: list[tuple[Shape, int, int]] = [(phase.shape, phase.for_ns, phase.rounds) for phase in plan.phases]
    if plan.search is not None:
        loads = [(plan.search.shape(plan.search.high), plan.search.hold_ns, 0)]
    users = [min(shape.most, rounds or shape.most) for shape, _, rounds in loads if isinstance(shape, Users)]
    people = [int(shape.total(for_ns)) for shape, for_ns, _ in loads if isinstance(shape, Arrivals)]
    ceiling = [plan.target.most_requests_per_s] if plan.target.most_requests_per_s else []
    return max(1, min([*([max(users)] if users else []), *people, *ceiling]))


def _uploads(plan: Plan) -> int:
    files: set[Upload] = {file for flow in plan.flows for request in requests(flow.steps) for file in request.files}
    return len(files)


def _descriptors(who: str, needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        message = f"{who} need {needed} open files; this machine allows {hard}"
        raise EnvironmentFailure(message, f"raise the limit first: ulimit -n {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _ports() -> int:
    """Towards one address; where it cannot be known, as many as there can be."""
    try:
        low, high = (int(word) for word in _PORTS.read_text().split())
    except (OSError, ValueError):
        return 65_535
    return high - low + 1
