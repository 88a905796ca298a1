"""The value of `--time-scale`: an exact number above zero, at most 100."""

from fractions import Fraction

import click

__all__ = ["SCALE"]


class _Scale(click.ParamType[Fraction]):
    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        try:
            scale = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            self.fail(f"`{value}` is no number; write for example 0.1", param, ctx)
        if not 0 < scale <= 100:
            self.fail(f"{value} is not above 0 and at most 100", param, ctx)
        return scale


SCALE = _Scale()
