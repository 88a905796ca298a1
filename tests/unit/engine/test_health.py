"""Reading the machine: what its files say, and what is made of what they do not say."""

import pytest

from perfspec.engine.health import Lag, Machine

STAT = "cpu  {user} 0 {system} {idle} {wait} 0 0 {steal} 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
VERSION_1 = "nr_periods 9\nnr_throttled {0}\nthrottled_time {1}000\n"
VERSION_2 = "nr_periods 9\nnr_throttled {0}\nthrottled_usec {1}\n"


@pytest.fixture
def machine(tmp_path):
    """Writes files of a machine."""

    def write(**files: str):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def stat(user=0, system=0, idle=0, wait=0, steal=0):
    return STAT.format(user=user, system=system, idle=idle, wait=wait, steal=steal)


def test_cpu_is_what_happened_between_two_looks(machine) -> None:
    root = machine(proc__stat=stat(1000, 500, 8000, 100, 10))
    looks = Machine(root)
    machine(proc__stat=stat(1080, 510, 8080, 120, 20))
    seen = looks.look({})
    assert (seen.machine_busy, seen.steal) == (pytest.approx(90 / 200), pytest.approx(10 / 200))
    machine(proc__stat=stat(1080, 510, 8180, 120, 20))
    assert looks.look({}).machine_busy == 0
    assert looks.look({}).machine_busy is None  # no tick has passed


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        (
            "0::/app\n",
            "sys__fs__cgroup__app__cpu_dot_stat",
            f"usage_usec 5\n{VERSION_2}",
        ),
        (
            "4:memory:/x\n1:cpu,cpuacct:/job\n",
            "sys__fs__cgroup__cpu__job__cpu_dot_stat",
            VERSION_1,
        ),
        ("0::/\n", "sys__fs__cgroup__cpu_dot_stat", VERSION_2),
        ("", "sys__fs__cgroup__cpu_dot_stat", VERSION_2),
    ],
)
def test_throttling_is_that_of_the_own_control_group(machine, group, file, text) -> None:
    root = machine(proc__self__cgroup=group, **{file: text.format(7, 100)})
    looks = Machine(root)
    machine(**{file: text.format(9, 350)})
    seen = looks.look({})
    assert (seen.throttles, seen.throttled_ns) == (2, 250_000)


def test_ports_are_connections_of_the_machine_against_the_range(machine) -> None:
    root = machine(
        proc__net__sockstat="sockets: used 18\nTCP: inuse 9 orphan 0 tw 28 alloc 11 mem 2\nUDP: inuse 0 mem 0\n",
        proc__sys__net__ipv4__ip_local_port_range="32768\t60999\n",
    )
    seen = Machine(root).look({500: 2})
    assert (seen.ports, seen.ports_limit, seen.lag) == (37, 28_232, {500: 2})


@pytest.mark.parametrize("text", ["", "cpu 1 2 3\n", "intr 5\n", "cpu  1 0 1 1 1 0 0 0 0 0\n"])
def test_a_machine_without_these_files_says_nothing_of_them(machine, text) -> None:
    root = machine(
        proc__stat=text, proc__net__sockstat="UDP: inuse 0\n", sys__fs__cgroup__cpu_dot_stat="usage_usec 5\n"
    )
    seen = Machine(root).look({})
    assert seen.descriptors is None
    assert (seen.machine_busy, seen.steal, seen.throttles, seen.throttled_ns) == (None, None, None, None)
    assert (seen.ports, seen.ports_limit) == (None, None)


def test_the_machine_we_are_on_is_read() -> None:
    seen = Machine().look({})
    assert seen.descriptors is not None
    assert 0 < seen.descriptors < seen.descriptors_limit


class Loop:
    """A loop whose clock is ours: it calls when it is told."""

    def __init__(self):
        self.asked = []

    def call_later(self, delay, fn):
        self.asked.append((delay, fn))
        return self

    def cancel(self):
        self.asked.clear()


def test_the_probe_keeps_how_late_it_was_called(monkeypatch) -> None:
    now = [1_000_000_000]
    monkeypatch.setattr("perfspec.engine.health.monotonic_ns", lambda: now[0])
    loop = Loop()
    lag = Lag(loop)
    lag.start()
    for after_us in (10_000, 10_300, 62_700, 9_990):
        delay, fn = loop.asked.pop()
        assert delay == 0.01
        now[0] += after_us * 1000
        fn()
    assert lag.drain() == {0: 2, 300: 1, 52_000: 1}
    assert lag.drain() == {}
    lag.stop()
    assert loop.asked == []
