"""A disk that is full in the middle of a run: what was measured until then is there, and somebody says so."""

import json
import resource

BODY = """
flows: {look: {steps: [{get: /v1/suggest?q=we, name: suggest}, {pause: 50ms}]}}
stages: {smoke: {phases: [{name: steady, for: 6s, users: 3}]}}
thresholds: {suggest: {errors: under 5%}}
"""


def test_what_was_measured_before_the_disk_was_full_is_kept(new_folder, perfspec, healthy, small_spec) -> None:
    folder = small_spec(new_folder("full-disk"), healthy.url, BODY)
    begun = perfspec.begin(folder)
    begun.wait_for_seconds(3)
    room = (begun.folder / "slices.jsonl").stat().st_size + 10
    resource.prlimit(begun.process.pid, resource.RLIMIT_FSIZE, (room, room))
    ended = begun.end()
    assert ended.code == 3, ended.out + ended.err
    assert "slices.jsonl could not be written any further: " in ended.err
    assert "what was measured after that is lost" in ended.err
    assert "INCONCLUSIVE, which is no pass" in ended.out

    again = perfspec.command(folder, "report", "out")  # there is room now
    assert again.code == 3
    result = json.loads((begun.folder / "result.json").read_text())
    assert (result["ended"], result["outcome"]) == ("torn", "INCONCLUSIVE")
    assert len(result["seconds"]) >= 3
    (verdict,) = result["verdicts"]
    assert (verdict["outcome"], verdict["n"] > 20) == ("PASS", True)
