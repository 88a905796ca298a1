"""Which transport carries a plan: our own sockets, or httpx where those cannot do it or are to be checked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio

from perfspec.engine.reactor import RealDriver
from perfspec.engine.tls import context
from perfspec.engine.wire import rendered
from perfspec.plan.model import Target

__all__ = ["opened", "tls_of"]


def tls_of(target: Target) -> ssl.SSLContext | None:
    """What an `https://` address is verified with. Raises EnvironmentFailure."""
    return context(target.access.tls) if target.url.startswith("https://") else None


@asynccontextmanager
async def opened(
    target: Target, constants: Mapping[str, object], tls: ssl.SSLContext | None, *, by_the_clock: bool = False
) -> AsyncIterator[RealDriver]:
    """A driver with the transport of the plan; everything is closed behind it."""
    loop = asyncio.get_running_loop()
    if target.transport == "fast":
        driver = RealDriver(loop, tls, by_the_clock=by_the_clock)
        try:
            yield driver
        finally:
            driver.close()
        return
    from perfspec.engine.httpx_transport import HttpxTransport, Way  # noqa: PLC0415 - loaded where it is used

    proxy = None if target.access.proxy is None else rendered(target.access.proxy, constants)
    way = Way(tls, http2=target.access.http == 2, proxy=proxy)
    failure: Exception | None = None
    async with anyio.create_task_group() as group:
        driver = RealDriver(
            loop, transport=lambda driver: HttpxTransport(driver, group, way), by_the_clock=by_the_clock
        )
        try:
            yield driver
        except Exception as error:  # noqa: BLE001 - raised again outside, without a group around it
            failure = error
        driver.close()
        with anyio.CancelScope(shield=True):
            await driver.transport.close_all()
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
