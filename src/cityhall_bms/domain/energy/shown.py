"""Figures as they are shown: rounded once, at the very end, and never calculated with again."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

PERCENT_DECIMALS: Final = 2
"""Decimals with which percentages are shown."""


def half_up(value: float, decimals: int = PERCENT_DECIMALS) -> Decimal:
    """Round half away from zero, as offices do: 0.125 is 0.13, and -0.125 is -0.13.

    What is rounded is the shortest decimal that the number stands for, so that 1.005 is 1.01 although no binary number
    is exactly that.
    """
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def whole_ntd(amount: Decimal) -> int:
    """Money saved in whole NT$, fractions dropped: nobody is told that he saves more than he does."""
    return int(amount.to_integral_value(ROUND_DOWN))
