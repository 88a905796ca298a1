"""`text: 40 to 400 words`: prose of a drawn length, cut from one long seeded run of common words."""

from collections.abc import Callable, Sequence

from perfspec.base import random
from perfspec.data.kinds import Words
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_text_length

__all__ = ["bind", "read"]

_COMMON = """
a about after again air all along also always an and another any are around as ask at away back be because been
before began being best better between big book both boy bring build but by call came can car carry change
children city close cold come could country cut day did different do does done door down draw during each early
earth east eat end enough even ever every eye face family far farm fast father feet few field find fire first
fish five follow food for form found four friend from front full gave get girl give go good got great green grew
ground group grow had half hand hard has have he head hear help her here high him his hold home horse hour house
how hundred if in into is it just keep kind king knew know land large last late laugh lead learn leave left less
letter life light like line list listen little live long look made make man many map mark may me mean men might
mile mind money moon more morning most mother mountain move much music must my name near need never new next
night no north not note notice now number of off often old on once one only open or order other our out over own
page paper part pass people person place plan plant play point pull put quick rain ran read ready real red rest
right river road rock room round run said same saw say school sea second see seem sentence set several shall she
ship short should show side simple since sing sit six sleep slow small snow so some song soon sound south spell
stand star start state stay step still stop story street strong study such sun sure table take talk tell ten
than that the their them then there these they thing think this those though thought thousand three through time
to together told too took town travel tree true try turn two under unit until up us use very voice vowel wait
walk want warm was watch water way we week well went were west what wheel when where which while white who whole
why wide will wind wish with wonder wood word work world would write year yes yet you young your
""".split()  # noqa: SIM905 - a list with a line per word would hide the code
_RUN = 8_192
"""Words in the run; a text begins anywhere in it."""


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Words | None:
    said = node.get("text")
    length = parse_text_length(said, out) if isinstance(said, Scalar) else None
    return Words(name, span, length.low, length.high, length.unit) if length else None


def bind(data: Words, seed: int, _rows: Sequence[dict[str, str]]) -> Callable[[int, int], object]:
    site = random.site(f"data.{data.name}")
    key = random.mix(seed, site)
    low, spread = data.low, data.high - data.low + 1
    run = [_COMMON[random.mix(key, n) % len(_COMMON)] for n in range(_RUN)]
    by_words = data.unit == "words"
    times = 2 + data.high // _RUN
    stock: Sequence[str] = run * times if by_words else " ".join(run * times)
    room = len(stock) - data.high

    def draw(base: int, turn: int) -> str:
        stirred = random.mix(base, site + turn * random.PASS_STRIDE)
        start, length = (stirred >> 24) % room, low + (stirred & 0xFFFFFF) * spread // 0x1000000
        cut = stock[start : start + length]
        return " ".join(cut) if by_words else str(cut)

    return draw
