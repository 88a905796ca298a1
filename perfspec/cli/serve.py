"""`perfspec serve search`: a reference service to try specs against, with latencies that are known exactly."""

import click

from perfspec.base.errors import UsageFailure

__all__ = ["serve"]


@click.command()
@click.argument("service", type=click.Choice(["search"]))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8083, show_default=True, help="0 takes any free port.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides every latency and every fault.")
@click.option(
    "--api-key",
    default="perf-local-key",
    show_default=True,
    envvar="SEARCH_API_KEY",
    show_envvar=True,
    help="The bearer key that callers must send.",
)
@click.option("--slow", multiple=True, metavar="NAME=DURATION", help="Added latency, for example suggest=400ms.")
@click.option("--errors", multiple=True, metavar="[NAME=]SHARE", help="Share answered with 500, for example 5%.")
@click.option("--stall", metavar="AFTER:FOR", help="Stand still for a while, for example 5s:2s.")
def serve(  # noqa: PLR0913, PLR0917 - one argument per option
    service: str,
    host: str,
    port: int,
    seed: int,
    api_key: str,
    slow: tuple[str, ...],
    errors: tuple[str, ...],
    stall: str | None,
) -> None:
    """Run a reference service until Ctrl-C or SIGTERM.

    Each endpoint (suggest, query, index, jobs, delete) has a latency of its own, log-normal around a known median.
    """
    try:
        # Loaded when used: the extra may be missing, and no other command needs it.
        from perfspec.reference.faults import parse_faults  # noqa: PLC0415
        from perfspec.reference.search import LATENCIES, search_app  # noqa: PLC0415
        from perfspec.reference.serving import serve_app  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("perfspec"):
            raise
        message = f'`perfspec serve` needs the package {missing.name}: pip install "perfspec[reference]"'
        raise UsageFailure(message) from missing

    faults = parse_faults(tuple(LATENCIES), slow=slow, errors=errors, stall=stall)
    app = search_app(seed=seed, api_key=api_key, faults=faults)
    serve_app(app, host, port, lambda address: click.echo(f"{service} is listening on {address} (seed {seed})"))
