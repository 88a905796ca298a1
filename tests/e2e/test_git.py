"""`affected` and `diff` on real repositories: branches, renames, shallow clones, uncommitted work."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SPEC = """perfspec: 1
service: {name}
run_when_changed: [services/{name}/**]
include: [shared/suite.yaml]
environments: {{local: {{url: "http://127.0.0.1:1"}}}}
data: {{word: {{csv: ../fixtures/{name}.csv}}}}
flows: {{look: {{steps: [{{get: "/a?q=${{word.text}}", name: look}}]}}}}
thresholds: {{look: {{p95: at most 120ms}}}}
"""
SUITE = """perfspec: 1
kind: shared
stages: {smoke: {phases: [{for: 30s, users: 4}], thresholds: {all: {errors: under 1%}}}}
"""
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def git(tmp_path) -> Callable[..., str]:
    def run(*words: str, folder: Path = tmp_path / "repo") -> str:
        command = ["git", "-C", str(folder), *IDENTITY, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return run


@pytest.fixture
def repo(tmp_path, git) -> Path:
    """Two services on `main`, and a branch `change` checked out."""
    folder = tmp_path / "repo"
    for name in ("search", "shop"):
        for path, text in (
            (f"specs/{name}.yaml", SPEC.format(name=name)),
            (f"services/{name}/api.py", "pass\n" * 20),
            (f"fixtures/{name}.csv", "text\ntea\n"),
            ("specs/shared/suite.yaml", SUITE),
            ("README.md", "hello\n"),
        ):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "first")
    git("checkout", "-qb", "change")
    return folder


@pytest.fixture
def services(perfspec) -> Callable[..., list[str]]:
    def run(folder: Path, *options: str) -> list[str]:
        ended = perfspec.command(folder, "affected", "--format", "json", *(options or ("--base", "main")))
        assert ended.code == 0, ended.err
        return [each["service"] for each in json.loads(ended.out)["affected"]]

    return run


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("README.md", []),
        ("services/search/api.py", ["search"]),
        ("services/new/api.py", []),
        ("specs/shop.yaml", ["shop"]),
        ("specs/shared/suite.yaml", ["search", "shop"]),
        ("fixtures/shop.csv", ["shop"]),
    ],
)
@pytest.mark.parametrize("committed", [True, False])
def test_a_change_concerns_the_services_whose_files_it_touches(repo, git, services, path, found, committed) -> None:
    (repo / path).parent.mkdir(exist_ok=True)
    before = (repo / path).read_text() if (repo / path).exists() else ""
    (repo / path).write_text(before + ("# changed\n" if not path.endswith(".csv") else "coffee\n"))
    if committed:
        git("add", "-A")
        git("commit", "-qm", "change")
    assert services(repo) == found


def test_what_is_uploaded_and_what_is_trusted_belong_to_a_spec(repo, git, services) -> None:
    spec = SPEC.format(name="shop").replace('http://127.0.0.1:1"', 'https://127.0.0.1:1", tls: {ca: ../tls/ca.pem}')
    (repo / "specs/shop.yaml").write_text(
        spec.replace("name: look}", "name: look}, {post: /up, form: {f: {file: ../tls/up.bin}}}")
    )
    (repo / "tls").mkdir()
    for name in ("ca.pem", "up.bin"):
        (repo / "tls" / name).write_text("before\n")
    git("add", "-A")
    git("commit", "-qm", "files")
    for name in ("ca.pem", "up.bin"):
        (repo / "tls" / name).write_text("after\n")
        assert services(repo, "--base", "HEAD") == ["shop"]
        git("checkout", "--", "tls")
    assert services(repo, "--base", "HEAD") == []


def test_where_it_is_called_and_how_git_likes_to_show_paths_make_no_difference(repo, git, services) -> None:
    git("config", "diff.relative", "true")
    (repo / "services/search/api.py").write_text("mine\n")
    assert services(repo / "specs", "--base", "main", ".") == ["search"]


def test_a_renamed_file_concerns_where_it_was_and_where_it_is(repo, git, services) -> None:
    git("mv", "services/search/api.py", "services/shop/moved.py")
    git("commit", "-qm", "moved")
    assert services(repo) == ["search", "shop"]


def test_what_happened_on_main_meanwhile_does_not_count(repo, git, services) -> None:
    git("checkout", "-q", "main")
    (repo / "services/shop/api.py").write_text("other\n")
    git("commit", "-qam", "main goes on")
    git("checkout", "-q", "change")
    (repo / "services/search/api.py").write_text("mine\n")
    git("commit", "-qam", "mine")
    assert services(repo) == ["search"]


def test_in_a_shallow_clone_nobody_knows_so_all_are_run(repo, git, perfspec, services, tmp_path) -> None:
    (repo / "services/search/api.py").write_text("mine\n")
    git("commit", "-qam", "mine")
    git("clone", "-q", "--depth", "1", "--branch", "change", repo.as_uri(), str(tmp_path / "shallow"))
    assert services(tmp_path / "shallow", "--base", "origin/main") == ["search", "shop"]
    text = perfspec.command(tmp_path / "shallow", "affected", "--base", "origin/main").out
    assert "nobody knows what changed since origin/main" in text


def test_a_branch_that_is_not_there_is_named_so(repo, perfspec, services) -> None:
    assert services(repo, "--base", "nobranch") == ["search", "shop"]
    text = perfspec.command(repo, "affected", "--base", "nobranch").out
    assert "nobody knows what changed since nobranch: this clone has no `nobranch`" in text


def test_a_job_matrix_is_one_line_also_when_it_is_empty(repo, perfspec) -> None:
    empty = perfspec.command(repo, "affected", "--base", "main", "--format", "matrix")
    assert (empty.code, json.loads(empty.out)) == (0, {"include": []})
    (repo / "specs/shared/suite.yaml").write_text(SUITE + "\n")
    full = perfspec.command(repo, "affected", "--base", "main", "--format", "matrix").out
    assert full.count("\n") == 1
    assert json.loads(full)["include"][0] == {"spec": "specs/search.yaml", "service": "search"}


def test_names_for_a_shell_have_their_reasons_beside_them(repo, perfspec) -> None:
    (repo / "specs/shared/suite.yaml").write_text(SUITE + "\n")
    ended = perfspec.command(repo, "affected", "--base", "main", "--format", "names")
    assert ended.out == "specs/search.yaml specs/shop.yaml\n"
    assert [line.split(maxsplit=1) for line in ended.err.splitlines()] == [
        [f"specs/{name}.yaml", "specs/shared/suite.yaml is part of it"] for name in ("search", "shop")
    ]


def test_outside_of_a_repository_there_is_nothing_to_compare(tmp_path, perfspec) -> None:
    (tmp_path / "specs").mkdir()
    ended = perfspec.command(tmp_path, "affected", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (ended.code, "is in no git repository" in ended.err) == (2, True)


def test_a_weakened_gate_is_named_and_can_be_refused(repo, git, perfspec) -> None:
    (repo / "specs/search.yaml").write_text(SPEC.format(name="search").replace("120ms", "300ms"))
    (repo / "specs/shared/suite.yaml").write_text(SUITE.replace("30s", "15s"))
    loosened = (
        "loosened   search: look p95 loosened: at most 120ms → at most 300ms  (specs/search.yaml:8)",
        "loosened   search: stage smoke halved: 30s → 15s  (specs/shared/suite.yaml:3)",
        "loosened   shop: stage smoke halved: 30s → 15s  (specs/shared/suite.yaml:3)",
    )
    uncommitted = perfspec.command(repo, "diff", "main", "--no-loosening")
    assert (uncommitted.code, uncommitted.out.splitlines()) == (1, list(loosened))
    git("commit", "-qam", "weaker")
    assert perfspec.command(repo, "diff", "main", "change").out == uncommitted.out
    backwards = perfspec.command(repo, "diff", "change", "main", "--no-loosening")
    assert (backwards.code, backwards.out.count("tightened  ")) == (0, 3)
    assert perfspec.command(repo, "diff", "HEAD").out == "nothing that a run is judged by has changed\n"


def test_a_spec_that_is_gone_is_a_weaker_gate(repo, perfspec) -> None:
    (repo / "specs/shop.yaml").unlink()
    ended = perfspec.command(repo, "diff", "main", "--no-loosening", "--format", "json")
    assert (ended.code, [c["text"] for c in json.loads(ended.out)]) == (1, ["the spec is gone"])


@pytest.mark.parametrize(
    ("words", "said"), [(("diff", "nowhere"), "git knows no commit `nowhere`"), (("diff", "main"), "has errors")]
)
def test_what_cannot_be_compared_is_said(repo, perfspec, words, said) -> None:
    (repo / "specs/shop.yaml").write_text(SPEC.format(name="shop").replace("p95:", "p59x:"))
    ended = perfspec.command(repo, *words)
    assert (ended.code, said in ended.err) == (2, True), ended.err


@pytest.mark.parametrize("words", [("--specs", "nope.yaml"), ("--specs", "specs", "--specs", "services"), ()])
def test_nothing_to_compare_is_no_sound_gate(repo, git, perfspec, words) -> None:
    if not words:
        git("mv", "specs", "loads")
        git("commit", "-qm", "moved")
    ended = perfspec.command(repo, "diff", "HEAD", *words, "--no-loosening")
    assert (ended.code, "there is no spec below" in ended.err) == (2, True), ended.out + ended.err
