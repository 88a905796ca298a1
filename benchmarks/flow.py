"""The product beside wrk: CPU per request of a flow, POST with a templated body, capture, GET of what was captured.

Fifty users without pauses; the POST draws a number and a word and counts in two limits, its answer is checked and
captured from. wrk does the same in Lua: it writes the body, looks the id up in the answer, asks for it. As in
get_loop.py both run in turn, in the same rounds, on core 1, against one nginx worker on core 0, perfspec is counted in
its steady seconds and wrk as a whole. A third run in each round gives both requests a tag that is drawn each round.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from get_loop import perfspec_us
from reactor_floor import line, nginx, wrk_us

SPEC = """
perfspec: 1
service: flow
environments:
  here: {{url: http://127.0.0.1:{port}}}
data:
  size: {{number: 1 to 1000}}
  word: {{choice: [tea, coffee, milk, water]}}
flows:
  order:
    weight: 100
    steps:
      - post: /orders
        name: order
        json: {{item: "${{word}}", size: "${{size}}", note: always the same}}
        expect: {{status: 201, $.state: new}}
        capture: {{order: $.id}}
      - get: /orders/${{order}}
        name: look
        expect: {{status: 200}}
stages:
  loop:
    phases: [{{name: steady, for: {seconds}s, users: {users}}}]
thresholds:
  all: {{errors: under 1%}}
  order: {{p95: at most 500ms}}
  look: {{p95: at most 500ms}}
"""
NAMES = ("order", "look")
GOAL, TAG_GOAL_US = 1.8, 6
TAGGED = SPEC.replace("data:\n", "data:\n  kind: {{choice: [new, known, lost]}}\n")
for name in NAMES:
    TAGGED = TAGGED.replace(f"name: {name}\n", f"name: {name}\n        tags: {{{{kind: $}}}}\n")
TAGGED = TAGGED.replace("kind: $", 'kind: "${{kind}}"')
LUA = """
local words = {"tea", "coffee", "milk", "water"}
local headers = {["Content-Type"] = "application/json"}
local ids = {}
function request()
  local id = table.remove(ids)
  if id then return wrk.format("GET", "/orders/" .. id) end
  local body = string.format('{"item":"%s","size":%d,"note":"always the same"}', words[math.random(4)],
    math.random(1000))
  return wrk.format("POST", "/orders", headers, body)
end
function response(status, _, body)
  if status == 201 and body:find('"state":"new"', 1, true) then
    table.insert(ids, body:match('"id":"([^"]+)"'))
  end
end
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="steady seconds per round")
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    missing = [tool for tool in ("nginx", "wrk") if shutil.which(tool) is None]
    if missing:
        print(f"not checked here: {' and '.join(missing)} missing")
        return
    wrk, own, tagged = [], [], []
    with tempfile.TemporaryDirectory() as folder, nginx() as port:
        script = Path(folder, "flow.lua")
        script.write_text(LUA)
        for _ in range(options.rounds):
            wrk.append(wrk_us(port, options.seconds, options.users, "/orders", "-s", str(script)))
            own.append(perfspec_us(port, options.seconds, options.users, SPEC, NAMES))
            tagged.append(perfspec_us(port, options.seconds, options.users, TAGGED, NAMES))
    ratios = [b / a for a, b in zip(wrk, own, strict=True)]
    print(line("wrk, the flow in Lua", wrk, "us CPU per request"))
    print(line("perfspec run", own, "us CPU per request"))
    print(line("ratio in one round", ratios, f"x wrk (goal {GOAL})"))
    print("round by round        ", " ".join(f"{ratio:.2f}" for ratio in ratios), "x wrk")
    more = [b - a for a, b in zip(own, tagged, strict=True)]
    print(line("a drawn tag", more, f"us more per request (goal: at most {TAG_GOAL_US})"))


if __name__ == "__main__":
    main()
