"""How wide the screen is."""

import shutil
import sys

__all__ = ["columns"]


def columns() -> int:
    """Of the terminal; 0 where the output goes to a file or a pipe, which wrap nothing."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
