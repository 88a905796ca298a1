"""The target before and after the load: is it there, is it ready, do we have to start it?

Nothing goes through a shell. What we started we stop, with its children, and its output is kept in the run folder.
Every way in which the target is not fit for load is an EnvironmentFailure with one sentence, before anything is
measured.
"""

import ctypes
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from perfspec.base.clock import monotonic_ns
from perfspec.base.errors import EnvironmentFailure
from perfspec.base.units import format_duration
from perfspec.engine.readiness import REFUSED, Asking, accepts, asking_client, listens, port_of
from perfspec.engine.servicelog import ServiceLog
from perfspec.plan.model import PlannedStart, Target
from perfspec.steps.runtime import Origin

if TYPE_CHECKING:
    import httpx

__all__ = ["addresses", "is_this_machine", "prepared", "resolve"]

STOP_WITHIN_S = 5.0
CHILDREN_WITHIN_S = 1.0
ASK_EVERY_S = 0.1
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def is_this_machine(url: str) -> bool:
    """Does the address name this machine's loopback?"""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def addresses(target: Target) -> tuple[str, ...]:
    """Of the host, at least one. A proxy looks names up itself. Raises EnvironmentFailure if the name is unknown."""
    host = urlsplit(target.url).hostname or ""
    if target.access.proxy is not None:
        return (host,)
    try:
        found = await anyio.getaddrinfo(host, port_of(target.url), type=socket.SOCK_STREAM)
    except OSError as error:
        raise EnvironmentFailure(
            f"the name `{host}` has no address ({error})", "check the environment's `url`"
        ) from error
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


async def resolve(target: Target) -> Origin:
    """Where requests go, asked of DNS before the load. Of several addresses it is the first at which somebody listens:
    `localhost` may be two, and the service at one of them. Raises EnvironmentFailure if the name is unknown.
    """
    parts, port = urlsplit(target.url), port_of(target.url)
    known = await addresses(target)
    chosen = known[0]
    for address in known if len(known) > 1 else ():
        if await accepts(address, port):
            chosen = address
            break
    return Origin(parts.hostname or "", port, chosen, tls=parts.scheme == "https")


@asynccontextmanager
async def prepared(
    target: Target,
    folder: Path,
    tell: Callable[[str], None],
    constants: Mapping[str, object],
    tls: ssl.SSLContext | None = None,
    learnt: Sequence[str] = (),
) -> AsyncIterator[None]:
    """Inside, the target answers and says it is ready. `tell` hears what is waited for. Raises EnvironmentFailure.

    `constants`: what stands in `ready.until` and in the headers of the environment. `learnt`: secrets that come to
    light inside.
    """
    if target.start is None and target.ready is None:
        if target.access.proxy is None and not await listens(target.url):
            raise EnvironmentFailure(f"nothing answers at {target.url}", "start the service, or choose another --env")
        yield  # nothing is asked, so nothing that asks is loaded: a fifth of the CPU before the first request
        return
    process: subprocess.Popen[bytes] | None = None
    log: ServiceLog | None = None
    async with asking_client(target.access, constants, tls) as client:
        try:
            if target.start is not None and not await listens(target.url):
                tell(f"starting `{target.start.command}`")
                log = _log_of(folder, constants, learnt)
                process = _start(target.start, log)
                asking = Asking(client, target.url + target.start.ready)
                await _until_ready(asking, target.start.within_ns, process, log, tell)
            elif target.start is not None:
                await _must_be_ours(client, target, target.start)
            if target.ready is not None:
                asking = Asking(client, target.url + target.ready.path, target.ready.until, constants)
                tell(f"waiting until {asking.url} {asking.wanted}")
                await _until_ready(asking, target.ready.within_ns, process, log, tell)
            if log is not None:
                log.keep()
            yield
        finally:
            if log is not None:
                log.keep()  # before the service takes its time to end, and we may be ended
                if process is not None:
                    with anyio.CancelScope(shield=True):
                        await _stop(process)
                log.close()


def _log_of(folder: Path, constants: Mapping[str, object], learnt: Sequence[str]) -> ServiceLog:
    secrets = [str(value) for name, value in constants.items() if name.startswith("secret.")]
    try:
        return ServiceLog(folder / "service.log", secrets, learnt)
    except OSError as error:
        raise EnvironmentFailure(f"{folder} cannot be written to: {error}", "choose another --out") from error


async def _must_be_ours(client: "httpx.AsyncClient", target: Target, start: PlannedStart) -> None:
    said = await Asking(client, target.url + start.ready).said()
    if said:
        message = f"something else answers at {target.url}: GET {start.ready} {said}"
        raise EnvironmentFailure(message, "stop what listens there, or choose another --env")


async def _until_ready(
    asking: Asking,
    within_ns: int,
    process: subprocess.Popen[bytes] | None,
    log: ServiceLog | None,
    tell: Callable[[str], None],
) -> None:
    """`tell` hears at once where nothing listens: a wrong port will not get better by waiting."""
    deadline = monotonic_ns() + within_ns
    told = process is not None
    where = f"its output is in {log.path}" if log is not None else ""
    while said := await asking.said():
        if said == REFUSED and not told:
            told = True
            waits = format_duration(within_ns)
            tell(f"  {said}; is the service running, and the port right? asking again for up to {waits}")
        if process is not None and process.poll() is not None:
            last = log.last_line() if log is not None else ""
            message = f"the service ended with exit status {process.returncode} before it was ready" + (
                f": {last}" if last else ""
            )
            raise EnvironmentFailure(message, where)
        if monotonic_ns() > deadline:
            hint = where or "look at the service and what it depends on"
            if said == REFUSED and process is None:
                hint = "start the service, or correct the port in the environment's `url`"
            raise EnvironmentFailure(f"not ready within {format_duration(within_ns)}: GET {asking.url} {said}", hint)
        if log is not None:
            log.keep()
        await anyio.sleep(ASK_EVERY_S)


def _start(start: PlannedStart, log: ServiceLog) -> subprocess.Popen[bytes]:
    words = shlex.split(start.command)
    if not words:
        raise EnvironmentFailure("`start.command` is empty", "write the command that brings the service up")
    if words[0] == "perfspec":
        words = [sys.executable, "-m", *words]
    try:
        return subprocess.Popen(  # noqa: S603 - a list of words from the spec, no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=log.file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call, no lock
        )
    except OSError as error:
        raise EnvironmentFailure(f"`{start.command}` could not be started: {error}", "check `start.command`") from error


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """So that a service we started does not outlive us, even if we are killed with -9."""
    if _libc is not None:
        _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)


async def _stop(process: subprocess.Popen[bytes]) -> None:
    """The whole process group: first asked, then made to. Its children may take a moment longer than itself."""
    _signal_group(process, signal.SIGTERM)
    await _until(lambda: process.poll() is not None, STOP_WITHIN_S)
    if not await _until(lambda: not _signal_group(process, 0), CHILDREN_WITHIN_S):
        _signal_group(process, signal.SIGKILL)
        await _until(lambda: process.poll() is not None, STOP_WITHIN_S)


async def _until(holds: Callable[[], bool], within_s: float) -> bool:
    with anyio.move_on_after(within_s):
        while not holds():  # noqa: ASYNC110 - processes tell their end to whoever asks
            await anyio.sleep(0.02)
        return True
    return False


def _signal_group(process: subprocess.Popen[bytes], number: int) -> bool:
    """Is there anyone to get it? 0 only asks."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
