"""Which of a name's addresses the load goes to, asked before it begins."""

import socket
from collections.abc import Iterator

import anyio
import pytest

from perfspec.base.errors import EnvironmentFailure
from perfspec.diagnostics.source import Span
from perfspec.engine.environment import resolve
from perfspec.language.templates import Text
from perfspec.plan.model import Target
from perfspec.spec.model import Access

SPAN = Span("s.yaml", 1, 1, 1, 1)


def target(port: int, host: str = "shop.test", access: Access = Access()) -> Target:  # noqa: B008 - it is frozen
    return Target("local", f"https://{host}:{port}", SPAN, None, None, (), (), access)


@pytest.fixture
def names(monkeypatch) -> Iterator[dict[str, list[str]]]:
    """Names that are known here, and their addresses."""
    known: dict[str, list[str]] = {}

    async def asked(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(anyio, "getaddrinfo", asked)
    return known


def test_the_load_goes_to_the_address_at_which_somebody_listens(names) -> None:
    names["shop.test"] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    for listens in ("127.0.0.2", "127.0.0.4"):
        with socket.create_server((listens, 0)) as server:
            origin = anyio.run(resolve, target(server.getsockname()[1]))
        assert (origin.host, origin.address, origin.tls) == ("shop.test", listens, True)


def test_where_nobody_listens_it_is_the_first(names) -> None:
    names["shop.test"] = ["127.0.0.2", "127.0.0.3"]
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
    assert anyio.run(resolve, target(port)).address == "127.0.0.2"


@pytest.mark.usefixtures("names")
def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(EnvironmentFailure, match=r"the name `shop\.test` has no address"):
        anyio.run(resolve, target(80))


@pytest.mark.usefixtures("names")
def test_behind_a_proxy_names_are_the_proxys_business() -> None:
    behind = target(80, access=Access(proxy=Text("http://127.0.0.1:3128", SPAN)))
    assert anyio.run(resolve, behind).address == "shop.test"
