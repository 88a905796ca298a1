"""`text: 40 to 400 words`: prose of a drawn length, cut from one long seeded run of common words. With `characters`
neither its first nor its last one is a blank: a service that trims what it gets would find it too short.

A length may be drawn elsewhere: `text: "${prompt_words} words"`.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate

from perfspec.base import random
from perfspec.data.drawing import Draw, Scope, Supply
from perfspec.data.kinds import Words
from perfspec.diagnostics.diagnostic import Diagnostics
from perfspec.diagnostics.source import Span
from perfspec.language.codegen import Generator
from perfspec.language.expressions import Path
from perfspec.language.nodes import Mapping, Scalar
from perfspec.language.phrase_grammar import parse_text_length
from perfspec.language.templates import Text

__all__ = ["bind", "read", "reads"]

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
_MOST_CHARACTERS = 10_000_000


def read(name: str, span: Span, node: Mapping, out: Diagnostics) -> Words | None:
    said = node.get("text")
    length = parse_text_length(said, out) if isinstance(said, Scalar) else None
    return Words(name, span, length.low, length.high, length.unit) if length else None


def reads(data: Words) -> Iterator[tuple[Path, Span]]:
    for bound in (data.low, data.high):
        if isinstance(bound, Text):
            yield from bound.reads()


def bind(data: Words, supply: Supply) -> Draw:
    site, mix = random.site(f"data.{data.name}"), random.mix
    key = mix(supply.seed, site)
    run = [_COMMON[mix(key, n) % len(_COMMON)] for n in range(_RUN)]
    low, high = _bound(data.low, f"data.{data.name}.low", supply), _bound(data.high, f"data.{data.name}.high", supply)
    stock: list[str] | str = run * 2 if data.unit == "words" else " ".join(run * 2)
    starts = (
        range(_RUN) if isinstance(stock, list) else list(accumulate((len(word) + 1 for word in run[:-1]), initial=0))
    )
    half = len(stock) // 2

    def draw(scope: Scope) -> str:
        shortest, longest = low(scope), high(scope)
        stirred = mix(scope.base, site)
        length = shortest + (stirred & 0xFFFFFF) * (longest - shortest + 1) // 0x1000000
        start = starts[(stirred >> 24) % _RUN]
        source = stock if length <= half else stock * (length // half + 1)
        cut = source[start : start + length]
        if isinstance(cut, list):
            return " ".join(cut)
        return f"{cut[:-1]}s" if cut[-1:] == " " else cut

    return draw


def _bound(said: int | Text, place: str, supply: Supply) -> Callable[[Scope], int]:
    """A length that stands there, or one that is drawn elsewhere. Raises ValueError where that is no length."""
    if not isinstance(said, Text):
        return lambda _: said
    value = Generator(supply.constants, place, in_loops=False).value(said.source)

    def length(scope: Scope) -> int:
        found = value(scope)
        if isinstance(found, bool) or not isinstance(found, (int, float)) or not 0 <= found <= _MOST_CHARACTERS:
            raise ValueError(f"{said.source} is no length of a text")
        return int(found)

    return length
