"""What a code means, at length: the text and the two examples of `diagnostics/explanations/CODE.md`.

Such a file has a text, a spec that gets the code, and the same spec repaired, each in a fence of its own. The examples
leave out what does not matter; a test completes them and lints both.
"""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from perfspec import diagnostics
from perfspec.base.errors import UsageFailure
from perfspec.diagnostics.codes import CODES

__all__ = ["Explanation", "explain"]

_FILE = re.compile(r"(?P<text>.+?)\n\n```yaml\n(?P<wrong>.*?)```\n\n```yaml\n(?P<right>.*?)```\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Explanation:
    code: str
    about: str
    """One line."""
    text: str
    wrong: str
    right: str


def explain(code: str) -> Explanation:
    """Everything about a code, given as `PS301`, `ps301` or `301`. Raises UsageFailure for one that is not known."""
    wanted = code.upper() if code.upper().startswith("PS") else f"PS{code}"
    if wanted not in CODES:
        near = difflib.get_close_matches(wanted, CODES, 3)
        raise UsageFailure(f"there is no code `{code}`", f"did you mean {' or '.join(near)}?" if near else "")
    path = Path(next(iter(diagnostics.__path__))) / "explanations" / f"{wanted}.md"
    found = _FILE.fullmatch(path.read_text(encoding="utf-8"))
    assert found, f"{path} is not a text and two examples"
    return Explanation(wanted, CODES[wanted].about, *found.groups())
