"""`perfspec serve SERVICE`: reference services to try specs against, with latencies that are known exactly."""

import os
from collections.abc import Sequence
from typing import Any

import click

from perfspec.base.errors import UsageFailure

__all__ = ["serve"]

SERVICES = ("gateway", "assessment", "search")
PORT = click.IntRange(0, 65535)


@click.command()
@click.argument("service", type=click.Choice([*SERVICES, "all"]))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=PORT,
    help="Instead of 8081 (gateway), 8082 (assessment), 8083 (search); all takes this one and the two above. "
    "0 takes any free port.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides every latency and every fault.")
@click.option(
    "--api-key",
    "key",
    help="The key or, for assessment, the password that callers must send; otherwise it is taken from GATEWAY_API_KEY, "
    "ASSESSMENT_TEST_PASSWORD or SEARCH_API_KEY, or is perf-local-key (perf-local-password).",
)
@click.option("--slow", multiple=True, metavar="NAME=DURATION", help="Added latency: query=400ms, query=100ms to 2s.")
@click.option("--slow-bodies", multiple=True, metavar="NAME=DURATION", help="The body comes bit by bit: query=2s.")
@click.option("--errors", multiple=True, metavar="[NAME=]SHARE", help="Share answered with 500, for example 5%.")
@click.option("--resets", multiple=True, metavar="[NAME=]SHARE", help="Share whose connection is broken.")
@click.option("--wrong-bodies", multiple=True, metavar="[NAME=]SHARE", help="Share answered 200 with a wrong body.")
@click.option("--stall", metavar="AFTER:FOR", help="Stand still for a while, for example 5s:2s.")
@click.option("--log", is_flag=True, help="Write a line of JSON for every request.")
def serve(service: str, host: str, port: int | None, seed: int, key: str | None, log: bool, **faults: Any) -> None:
    """Run reference services until Ctrl-C or SIGTERM.

    Each endpoint has a latency of its own, log-normal around a known median. Faults name endpoints: generate and
    embeddings of the gateway; sign-in, create, answer, grade, grade-result, list and progress of assessment; suggest,
    query, index, jobs and delete of search.

    Data is kept in memory unless DATABASE_URL (assessment), REDIS_URL (gateway) or SEARCH_URL (search) say where.
    """
    try:
        # Loaded when used: the extra may be missing, and no other command needs it.
        from perfspec.reference.application import Settings  # noqa: PLC0415
        from perfspec.reference.catalogue import PORTS, load  # noqa: PLC0415
        from perfspec.reference.faults import parse_faults  # noqa: PLC0415
        from perfspec.reference.serving import serve_apps  # noqa: PLC0415

        names = SERVICES if service == "all" else (service,)
        offers = [load(name) for name in names]
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("perfspec"):
            raise
        message = f'`perfspec serve` needs the package {missing.name}: pip install "perfspec[reference]"'
        raise UsageFailure(message, 'in a checkout of perfspec: pip install ".[reference]"') from missing

    known = tuple(endpoint for offer in offers for endpoint in offer.endpoints)
    settings = Settings(seed=seed, faults=parse_faults(known, **faults), log=click.echo if log else None)
    apps = [
        (offer.build(settings, os.environ, key), PORTS[name] if port is None else port and port + at)
        for at, (name, offer) in enumerate(zip(names, offers, strict=True))
    ]

    def say(addresses: Sequence[str]) -> None:
        for name, address in zip(names, addresses, strict=True):
            click.echo(f"{name} is listening on {address} (seed {seed})")

    serve_apps(apps, host, say)
