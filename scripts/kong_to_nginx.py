"""Kong's declarative file to an nginx configuration, so that its routes can be tried where there is no Kong.

    python scripts/kong_to_nginx.py fixtures/compose/kong.yml 8000 gateway:8081=127.0.0.1:8081 ... > nginx.conf

Services, routes by path, `strip_path`, time-outs, retries and `response_buffering` are carried over; anything else in
the file is refused, so that nothing is thought to be tried that is not. This shows that paths lead where they should,
not how Kong itself behaves.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

SERVICE_KEYS = {"name", "url", "retries", "connect_timeout", "read_timeout", "write_timeout", "routes"}
ROUTE_KEYS = {"name", "paths", "strip_path", "response_buffering"}
FRAME = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder};
    proxy_temp_path {folder};
    fastcgi_temp_path {folder};
    uwsgi_temp_path {folder};
    scgi_temp_path {folder};
{upstreams}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
{locations}
        location / {{ return 404; }}
    }}
}}
"""


def nginx(kong: Mapping[str, Any], port: int, where: Mapping[str, str], folder: Path) -> str:
    """`where`: the real address of each service of the file. Raises ValueError for what is not carried over."""
    _only(kong, {"_format_version", "services"}, "the file")
    upstreams = [line for service in kong["services"] for line in _upstream(service, where)]
    locations = [line for service in kong["services"] for line in _locations(service)]
    return FRAME.format(folder=folder, port=port, upstreams="\n".join(upstreams), locations="\n".join(locations))


def _upstream(service: Mapping[str, Any], where: Mapping[str, str]) -> Iterator[str]:
    _only(service, SERVICE_KEYS, f"service {service['name']}")
    if service.get("retries", 5) != 0:
        raise ValueError(f"service {service['name']} repeats requests, which hides errors")
    parts = urlsplit(service["url"])
    if parts.scheme != "http" or parts.path not in ("", "/"):
        raise ValueError(f"service {service['name']}: only http:// and no path is carried over")
    yield f"    upstream {service['name']} {{ server {where[parts.netloc]} max_fails=0; keepalive 64; }}"


def _locations(service: Mapping[str, Any]) -> Iterator[str]:
    for route in service["routes"]:
        _only(route, ROUTE_KEYS, f"route {route['name']}")
        for path in route["paths"]:
            yield f"        location {path}/ {{"
            # A slash behind the upstream is what makes nginx leave the path of the location away.
            yield f"            proxy_pass http://{service['name']}{'/' if route.get('strip_path', True) else ''};"
            yield '            proxy_http_version 1.1; proxy_set_header Connection "";'
            yield f"            proxy_connect_timeout {service.get('connect_timeout', 60_000)}ms;"
            yield f"            proxy_read_timeout {service.get('read_timeout', 60_000)}ms;"
            yield f"            proxy_send_timeout {service.get('write_timeout', 60_000)}ms;"
            yield "            proxy_next_upstream off;"
            yield f"            proxy_buffering {'on' if route.get('response_buffering', True) else 'off'};"
            yield "        }"


def _only(found: Mapping[str, Any], known: set[str], where: str) -> None:
    if not set(found) <= known:
        raise ValueError(f"{where}: {', '.join(sorted(set(found) - known))} cannot be carried over to nginx")


def main() -> None:
    file, port, *pairs = sys.argv[1:]
    where = dict(pair.split("=") for pair in pairs)
    print(nginx(yaml.safe_load(Path(file).read_text()), int(port), where, Path.cwd()))


if __name__ == "__main__":
    main()
