"""A spec whose data makes no request: it is no pass, nobody was waited for, and the line of the step is named."""

SPEC = """data: {n: {number: 1 to 5}, note: {choice: [a letter]}}
flows:
  buy:
    steps:
      - post: /v1/index
        name: cart
        json: {x: "${n + note}"}
stages: {smoke: {warmup: 1s, phases: [{for: 3s, users: 2}]}}
thresholds:
  cart: {status 401: under 10%, count: at least 1, errors: under 100%}
"""


def test_nothing_that_was_not_sent_passes(perfspec, small_spec, healthy, tmp_path) -> None:
    before = healthy.counts()
    ended = perfspec(small_spec(tmp_path / "unsent", healthy.url, SPEC))
    assert ended.code == 3, ended.out
    assert {v["outcome"] for v in ended.result["verdicts"]} == {"NO_DATA"}
    assert healthy.counts() == before
    assert "nobody answered" not in ended.out
    assert "unsendable: cart (specs/search.yaml:11): a number is needed here, not a text" in " ".join(ended.out.split())
