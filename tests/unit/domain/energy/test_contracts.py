"""The best contract capacity is the best of all, and not only of those that were looked at."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.bills import Part
from cityhall_bms.domain.energy.contracts import Month, capacity_cost, optimum
from cityhall_bms.domain.energy.tariffs import Capacity, Season, TariffPeriod

DAY = date(2026, 7, 1)
TARIFFS = [shipped_book().tariff_on(name, DAY) for name in ("taipower-hv-three-stage", "taipower-hv-two-stage")]
PEAK, HALF, SATURDAY, OFF = TariffPeriod


def month(season: Season = Season.SUMMER, power_factor: int | None = None, **demand: float) -> Month:
    kw = {TariffPeriod(name): value for name, value in demand.items()}
    return Month((Part(TARIFFS[0], season, {}, Decimal(1), {}, kw),), power_factor)


def test_one_month_alone_is_cheapest_where_no_demand_is_above_the_contract() -> None:
    # A kW of contract costs 223.60, a kW above it at least 2 × 223.60.
    found = optimum([month(peak=480.0)], {})

    assert found.regular_kw == 480
    assert found.capacity_cost == 480 * Decimal("223.60")


def test_a_peak_in_one_month_of_twelve_is_cheaper_paid_for_than_kept_ready() -> None:
    year = [*(month(peak=400.0) for _ in range(11)), month(peak=500.0)]

    found = optimum(year, {})

    # Up to a tenth it costs 2 × 223.60 once; a kW of contract costs 12 × 223.60, beyond the tenth it saves 3 × once.
    assert found.regular_kw == 400
    assert found.capacity_cost == (12 * 400 + 40 * 2 + 60 * 3) * Decimal("223.60")


def test_a_lower_bound_is_kept() -> None:
    assert optimum([month(peak=80.0)], {}, least_kw=100).regular_kw == 100


class TestBends:
    """Two months of which one is above the contract: a kW of contract costs as much as it saves, and small things decide."""

    def test_the_first_tenth_of_a_later_period_grows_with_the_contract(self) -> None:
        # 48 kW of the half-peak are charged beside the peak's: all of them at twice once a tenth of the contract is 48.
        assert optimum([month(peak=500.0, half_peak=548.0), month()], {}).regular_kw == 480

    def test_the_half_of_the_contract_carries_saturdays_and_nights_up_to_twice_their_capacity(self) -> None:
        beside = {Capacity.OFF_PEAK: Decimal(240)}

        assert optimum([month(peak=500.0), month()], beside).regular_kw == 480


KW = st.integers(0, 120)
DEMAND = st.dictionaries(st.sampled_from(TariffPeriod), st.integers(0, 150).map(float))


@settings(max_examples=60, deadline=None)
@given(
    months=st.lists(st.tuples(st.sampled_from(TARIFFS), st.sampled_from(Season), DEMAND), min_size=1, max_size=3),
    beside=st.fixed_dictionaries(
        {}, optional={capacity: KW.map(Decimal) for capacity in Capacity if capacity is not Capacity.REGULAR}
    ),
    power_factor=st.none() | st.integers(60, 100),
)
def test_no_whole_kilowatt_is_better(months, beside, power_factor) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    year = [
        Month((Part(tariff, season, {}, Decimal(1), {}, demand),), power_factor) for tariff, season, demand in months
    ]

    found = optimum(year, beside)

    tried = [capacity_cost(year, beside | {Capacity.REGULAR: Decimal(kw)}) for kw in range(200)]
    assert found.capacity_cost == min(tried)
    assert found.regular_kw == tried.index(min(tried))
