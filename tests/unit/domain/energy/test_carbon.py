"""Carbon by the factor of the year in which something was used."""

from datetime import date

import pytest

from cityhall_bms.domain.energy.carbon import AppliedFactor, CarbonFactor, CarbonFactors, CarbonOfYear
from cityhall_bms.domain.energy.commodities import Commodity

KWH = Commodity.ELECTRICITY
F112 = CarbonFactor(KWH, 2023, 0.494, "Energy Administration", published=date(2024, 4, 26))
F113 = CarbonFactor(KWH, 2024, 0.474, "Energy Administration", published=date(2025, 4, 14))
F113_AGAIN = CarbonFactor(KWH, 2024, 0.473, "corrected", published=date(2025, 9, 1))
F114 = CarbonFactor(KWH, 2025, 0.466, "one source", category="enterprise", published=date(2026, 4, 1))
LATE = date(2027, 1, 1)


def test_10404800_kwh_of_104_are_5462520_kg() -> None:
    factor = CarbonFactor(KWH, 2015, 0.525, "Energy Administration")
    assert CarbonOfYear(2015, 10_404_800.0, 1.0, AppliedFactor(factor, provisional=False)).kg == 5_462_520.0


@pytest.mark.parametrize(
    ("year", "on", "kg", "provisional"),
    [
        (2023, LATE, 0.494, False),
        (2024, date(2025, 4, 13), 0.494, True),  # the day before it is published: the last one
        (2024, date(2025, 4, 14), 0.474, False),
        (2024, LATE, 0.473, False),  # published again
        (2024, date(2025, 8, 31), 0.474, False),  # as it was told then
        (2023, date(2025, 9, 2), 0.494, False),  # no new factor rewrites a past year
    ],
)
def test_a_year_is_told_by_its_own_factor_as_known_on_a_day(year: int, on: date, kg: float, provisional: bool) -> None:
    applied = CarbonFactors((F113_AGAIN, F112, F113)).of(KWH, year, on)
    assert applied is not None
    assert (applied.factor.kg_per_unit, applied.provisional) == (kg, provisional)


def test_where_factors_differ_by_class_of_users_only_the_sites_own_counts() -> None:
    factors = (F112, F113, F114)
    own = CarbonFactors(factors, "enterprise").of(KWH, 2025, LATE)
    other = CarbonFactors(factors).of(KWH, 2025, LATE)
    assert own == AppliedFactor(F114, provisional=False)
    assert other == AppliedFactor(F113, provisional=True)


def test_without_a_factor_or_an_amount_there_is_no_figure() -> None:
    factors = CarbonFactors((F112,))
    assert factors.of(Commodity.FUEL, 2023, LATE) is None
    assert factors.of(KWH, 2022, LATE) is None
    assert CarbonOfYear(2023, 5.0, 1.0, None).kg is None
    assert CarbonOfYear(2023, None, 0.0, AppliedFactor(F112, provisional=False)).kg is None
