"""What one request costs the load generator, in counts that do not depend on the machine: calls, instructions, system
calls, memory. Not a test: a program of its own, because coverage and profiling do not go together. Prints JSON.

One user asks one server over one connection, so every request does exactly the same; of 200 rounds the median
counts, since now and then a timer comes in between.
"""

import asyncio
import gc
import json
import os
import selectors
import signal
import socket
import statistics
import sys
import tempfile
import tracemalloc
from array import array
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, cast

from perfspec import data as kinds
from perfspec.app.plan import plan as plan_of
from perfspec.engine.binding import Binder
from perfspec.engine.connection import Connection
from perfspec.engine.lanes import Lane
from perfspec.engine.load import Inputs, Load
from perfspec.engine.reactor import RealDriver
from perfspec.engine.timers import SlotTimers
from perfspec.metrics.series import Registry
from perfspec.plan.build import Choice
from perfspec.plan.model import Plan
from perfspec.spec.model import Spec
from perfspec.steps.kinds import Step
from perfspec.steps.runtime import Origin, Run
from perfspec.steps.sequence import in_turn

TICK = SlotTimers._tick.__code__
ROUNDS = 200
USERS = 50
LONG = 3000
"""So that what is kept once, a bucket of a histogram, is not taken for what is kept of every request."""
SPEC = """
perfspec: 1
service: costs
environments: {here: {url: "http://127.0.0.1:1"}}
data: {size: {number: 1 to 1000}}
flows:
  get:
    steps: [{get: /json, name: get, tags: {kind: static}, expect: {status: 200}}]
  order:
    steps:
      - {post: /orders, name: order, json: {size: "${size}"}, expect: {$.state: new}, capture: {order: $.id}}
      - {get: "/orders/${order}", name: look}
stages:
  one: {mix: {get: 100%}, phases: [{for: 30s, users: 1}]}
  many: {mix: {get: 100%}, phases: [{for: 30s, users: 50}]}
  orders: {mix: {order: 100%}, phases: [{for: 30s, users: 50}]}
thresholds: {get: {p95: under 1s}, order: {p95: under 1s}}
"""
BODY = b'{"id":"abc","state":"new"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
SYSTEM = {"send": "send", "recv": "recv", "poll": "poll", "modify": "modify", "register": "register",
          "connect_ex": "connect", "close": "close", "accept": "accept"}  # fmt: skip


def serve() -> tuple[int, int]:
    """A child that answers every read; its pid and port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=USERS)
    pid = os.fork()
    if pid == 0:
        answer(listener)
    port: int = listener.getsockname()[1]
    listener.close()
    return pid, port


def answer(listener: socket.socket) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is listener:
                    ready.register(listener.accept()[0], selectors.EVENT_READ)
                    continue
                peer = cast("socket.socket", key.fileobj)
                with suppress(ConnectionError):
                    if peer.recv(65536):
                        peer.sendall(ANSWER)
                        continue
                ready.unregister(peer)
                peer.close()


class Counts:
    """How often what happened since the last look."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.each: list[Counter[str]] = []
        self.is_aside = False
        """Timers are called: what is done once a second depends on how many requests a second has."""

    def look(self) -> None:
        self.each.append(self.now)
        self.now = Counter()

    def medians(self) -> dict[str, float]:
        names = {name for counts in self.each for name in counts}
        found = {name: statistics.median(counts[name] for counts in self.each) for name in sorted(names)}
        return {name: count for name, count in found.items() if count and name != "requests"}

    def profile(self, frame: FrameType, event: str, what: Any) -> None:
        if frame.f_code is TICK:
            self.is_aside = event == "call"
        elif self.is_aside:
            return
        if event == "call":
            self.now["python calls"] += 1
        elif event == "c_call":
            self.now["c calls"] += 1
            name = SYSTEM.get(what.__name__)
            if name and type(what.__self__).__name__ in ("socket", "epoll"):
                self.now[name] += 1

    def trace(self, frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        if frame.f_code is TICK:
            self.is_aside = event != "return"
        elif self.is_aside:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.now["instructions"] += event == "opcode"
        self.now["requests"] += event == "call" and frame.f_code is Connection.put.__code__
        return self.trace


def drive(
    port: int, steps: tuple[Step, ...], names: dict[str, Any],
    begin: Callable[[], None], each: Callable[[], None], end: Callable[[], None], turns: int = ROUNDS,
) -> None:  # fmt: skip
    """A hundred rounds to get warm, then those that count."""
    loop = asyncio.new_event_loop()
    driver = RealDriver(loop)
    registry = Registry(driver.now_ns(), {("get", ""): (10**9,), ("order", ""): (10**9,)})
    url = f"http://127.0.0.1:{port}"
    program = in_turn(steps, Binder(url, Origin("127.0.0.1", port, "127.0.0.1"), {}, registry, "load", "x"))
    lane = Lane(driver, 0)
    lane.vars.base, lane.vars.step, lane.vars.generators = 1, 0, names

    def rounds(lane: Lane) -> Run:
        for turn in range(100 + turns):
            if turn == 100:
                begin()
            lane.vars.clear()
            yield from program(lane)
            if turn >= 100:
                each()
        end()

    lane.run(rounds(lane), lambda _lane, kind: loop.stop() if kind is None else sys.exit(kind))
    loop.run_forever()
    driver.close()
    loop.close()


def costs(port: int, steps: tuple[Step, ...], names: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    counts = Counts()
    drive(port, steps, names, lambda: sys.setprofile(counts.profile), counts.look, lambda: sys.setprofile(None))
    found |= counts.medians()
    counts = Counts()

    def trace() -> None:
        sys.settrace(counts.trace)
        frame: FrameType | None = sys._getframe()
        while frame is not None:  # those that run already
            frame.f_trace = counts.trace
            frame.f_trace_opcodes = True
            frame = frame.f_back

    drive(port, steps, names, trace, counts.look, lambda: sys.settrace(None))
    found |= counts.medians()
    found |= memory(port, steps, names)
    return found


def whole_load(port: int, plan: Plan) -> dict[str, float]:
    """The same with all that a load has around it, rounds, users and seconds: per request, on average."""
    found: dict[str, float] = {}
    for switch, hook in ((sys.setprofile, "profile"), (sys.settrace, "trace")):
        counts = Counts()
        loop = asyncio.new_event_loop()
        driver = RealDriver(loop)
        told: list[object] = []
        origin = Origin("127.0.0.1", port, "127.0.0.1")
        Load(plan, driver, origin, Inputs("r", {}, {}), told.append, told.append).start(driver.now_ns())
        loop.call_later(0.3, switch, getattr(counts, hook))
        loop.call_later(1.3, switch, None)
        loop.call_later(1.35, loop.stop)
        loop.run_forever()
        driver.close()
        loop.close()
        requests = counts.now["send"] or counts.now["requests"]
        wanted = ("send", "recv", "poll", "python calls", "c calls", "instructions")
        found |= {name: round(counts.now[name] / requests, 2) for name in wanted if counts.now[name]}
    return found


def memory(port: int, steps: tuple[Step, ...], names: dict[str, Any]) -> dict[str, float]:
    """Bytes that a request needs for a while, and blocks that it leaves behind."""
    peaks, blocks = array("q"), array("q")  # they keep no objects, which would be counted

    def look() -> None:
        now, peak = tracemalloc.get_traced_memory()
        peaks.append(peak - now)
        blocks.append(sys.getallocatedblocks())
        tracemalloc.reset_peak()

    gc.collect()
    gc.disable()
    tracemalloc.start()
    drive(port, steps, names, tracemalloc.reset_peak, look, tracemalloc.stop, LONG)
    gc.enable()
    half = len(blocks) // 2
    left = (blocks[-1] - blocks[half]) / (len(blocks) - half)
    return {"transient bytes": statistics.median(peaks), "blocks left behind": round(max(left, 0.0), 2)}


def planned(stage: str) -> tuple[Spec, Plan]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "costs.yaml")
        path.write_text(SPEC)
        found = plan_of(str(path), Choice(stage))
    assert found.checked.spec is not None
    assert found.plan is not None
    return found.checked.spec, found.plan


def main() -> None:
    spec, one = planned("one")
    pid, port = serve()
    try:
        names = {d.name: kinds.bind(d, kinds.Supply(1, (), {})) for d in spec.data}
        found = {name: costs(port, flow.steps, names) for name, flow in spec.flows.items()}
        found["get in a load"] = whole_load(port, one)
        found["get of many users"] = whole_load(port, planned("many")[1])
        found["order of many users"] = whole_load(port, planned("orders")[1])
        print(json.dumps(found))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
