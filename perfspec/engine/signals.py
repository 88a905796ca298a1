"""The signals that end a run in order: Ctrl-C, what pipelines and service managers send, a terminal that is closed."""

import signal

__all__ = ["ENDING", "heeded"]

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heeded() -> tuple[signal.Signals, ...]:
    """Those of them that this process is not told to ignore: under `nohup`, a run outlives its terminal."""
    return tuple(
        number for number in ENDING if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    )
