"""A disk that is full in the middle of a run: the result is made of all that was measured, and somebody says so."""

import json
import resource

BODY = """
flows: {look: {steps: [{get: /v1/suggest?q=we, name: suggest}, {pause: 50ms}]}}
stages: {smoke: {phases: [{name: steady, for: 6s, users: 3}]}}
thresholds: {suggest: {errors: under 5%}}
"""


def test_a_full_disk_loses_no_verdict(new_folder, perfspec, healthy, small_spec) -> None:
    folder = small_spec(new_folder("full-disk"), healthy.url, BODY)
    begun = perfspec.begin(folder)
    begun.wait_for_seconds(3)
    room = (begun.folder / "slices.jsonl").stat().st_size + 10
    resource.prlimit(begun.process.pid, resource.RLIMIT_FSIZE, (room, room))
    ended = begun.end()
    assert ended.code == 0, ended.out + ended.err
    assert "slices.jsonl could not be written any further: File too large" in ended.err
    assert "s of this result stand in no log" in " ".join(ended.out.split())
    assert "result.json could not be written" in ended.err
    assert [path.name for path in begun.folder.iterdir() if path.suffix == ".part"] == []
    assert len(ended.log) >= 3  # every line can be read

    again = perfspec.command(folder, "report", "out")  # there is room now, but only for what the file holds
    assert again.code == 3
    result = json.loads((begun.folder / "result.json").read_text())
    assert (result["ended"], result["outcome"]) == ("torn", "INCONCLUSIVE")
    assert len(result["seconds"]) >= 3
    (verdict,) = result["verdicts"]
    assert (verdict["outcome"], verdict["n"] > 20) == ("PASS", True)
