"""Bills of months: the published cases, and what must hold for every bill."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.bills import (
    Part,
    basic_charge,
    bill,
    energy_charges,
    over_contract,
    power_factor_of,
    power_factor_share,
    rounded,
)
from cityhall_bms.domain.energy.tariffs import Capacity, Season, Tariff, TariffPeriod

DAY = date(2026, 7, 1)
THREE = shipped_book().tariff_on("taipower-hv-three-stage", DAY)
TWO = shipped_book().tariff_on("taipower-hv-two-stage", DAY)
SUMMER, WINTER = Season.SUMMER, Season.NON_SUMMER
PEAK, HALF, SATURDAY, OFF = TariffPeriod
REGULAR, HALF_KW, WINTER_KW, SATURDAY_KW, OFF_KW = Capacity
CONTRACT = {REGULAR: Decimal(5000)}


def extra(demand: Mapping[TariffPeriod, float], season: Season = SUMMER, tariff: Tariff = THREE, **kw: int) -> Decimal:
    contract = {Capacity(name): Decimal(value) for name, value in kw.items()} or CONTRACT
    return sum((charge.amount for charge in over_contract(tariff, season, contract, demand)), Decimal(0))


def part(kwh: Mapping[TariffPeriod, float], demand: Mapping[TariffPeriod, float] | None = None, share: int = 1) -> Part:
    return Part(THREE, SUMMER, CONTRACT, Decimal(1) / share, kwh, demand or {})


class TestDemandAboveTheContract:
    """超約附加費."""

    @pytest.mark.parametrize(
        ("season", "period", "demand", "amount"),
        [
            (SUMMER, PEAK, 5300, "134160"),
            (SUMMER, PEAK, 5500, "223600"),
            (SUMMER, PEAK, 5600, "290680"),
            (WINTER, HALF, 5600, "216970"),
            (SUMMER, PEAK, 5000, "0"),
            (SUMMER, PEAK, 4999.9, "0"),
        ],
    )
    def test_the_first_tenth_costs_twice_and_the_rest_three_times(
        self, season: Season, period: TariffPeriod, demand: float, amount: str
    ) -> None:
        assert extra({period: demand}, season) == Decimal(amount)

    def test_kilowatts_are_charged_once_in_the_first_period_that_they_exceed(self) -> None:
        demand = {PEAK: 5300.0, HALF: 5500.0, SATURDAY: 5400.0, OFF: 5600.0}

        found = over_contract(THREE, SUMMER, CONTRACT, demand)

        # 300 kW in the peak, 200 more in the half-peak, none on Saturday, 100 more at night.
        assert [(item.period, item.excess_kw, item.charged_kw) for item in found] == [
            (PEAK, 300, 300), (HALF, 500, 200), (OFF, 600, 100),
        ]  # fmt: skip
        assert [item.amount for item in found] == [
            300 * 2 * Decimal("223.60"), 200 * 2 * Decimal("166.90"), 100 * 2 * Decimal("44.70"),
        ]  # fmt: skip

    def test_capacities_of_later_periods_add_up(self) -> None:
        kw = {"regular": 3000, "half_peak": 1000, "saturday_half_peak": 500, "off_peak": 500}
        at_the_limit = {PEAK: 3000.0, HALF: 4000.0, SATURDAY: 4500.0, OFF: 5000.0}

        assert extra(at_the_limit, **kw) == 0
        assert extra(at_the_limit | {OFF: 5010.0}, **kw) == 10 * 2 * Decimal("44.70")

    def test_a_two_stage_tariff_has_a_capacity_for_outside_of_summer_only(self) -> None:
        kw = {"regular": 3000, "non_summer": 1000}

        assert extra({PEAK: 4000.0}, WINTER, TWO, **kw) == 0
        assert extra({PEAK: 3100.0}, SUMMER, TWO, **kw) == 100 * 2 * Decimal("223.60")
        assert extra({PEAK: 4500.0}, WINTER, TWO, **kw) == (400 * 2 + 100 * 3) * Decimal("166.90")

    def test_a_period_of_which_nothing_is_known_is_charged_for_nothing_and_stands_in_no_bill(self) -> None:
        assert over_contract(THREE, SUMMER, CONTRACT, {HALF: 5100.0})[0].charged_kw == 100

    @given(
        demand=st.floats(0, 20_000), more=st.floats(0, 5_000), period=st.sampled_from([PEAK, HALF, SATURDAY, OFF]),
        season=st.sampled_from(Season),
    )  # fmt: skip
    def test_more_demand_never_costs_less(
        self, demand: float, more: float, period: TariffPeriod, season: Season
    ) -> None:
        assert extra({period: demand}, season) <= extra({period: demand + more}, season)
        everywhere = dict.fromkeys(TariffPeriod, demand)
        assert extra(everywhere, season) <= extra(dict.fromkeys(TariffPeriod, demand + more), season)

    @given(st.floats(0, 5000), st.sampled_from(Season))
    def test_within_the_contract_nothing_is_added(self, demand: float, season: Season) -> None:
        assert extra(dict.fromkeys(TariffPeriod, demand), season) == 0


class TestBasicCharge:
    """基本電費."""

    @pytest.mark.parametrize(
        ("tariff", "season", "kw", "amount"),
        [
            (THREE, SUMMER, {REGULAR: 5000}, "1118000"),  # 5000 × 223.60
            (THREE, WINTER, {REGULAR: 5000}, "834500"),  # 5000 × 166.90
            (THREE, SUMMER, {REGULAR: 4000, HALF_KW: 1000}, "1061300"),  # 4000 × 223.60 + 1000 × 166.90
            (THREE, SUMMER, {REGULAR: 2000, SATURDAY_KW: 500, OFF_KW: 500}, "447200"),  # the half of 2000 is free
            (THREE, SUMMER, {REGULAR: 2000, SATURDAY_KW: 600, OFF_KW: 500}, "451670"),  # 100 kW more × 44.70
            (TWO, SUMMER, {REGULAR: 3000, WINTER_KW: 1000}, "670800"),  # 3000 × 223.60
            (TWO, WINTER, {REGULAR: 3000, WINTER_KW: 1000}, "667600"),  # 4000 × 166.90
        ],
    )
    def test_it_is_what_the_rate_book_says(
        self, tariff: Tariff, season: Season, kw: Mapping[Capacity, int], amount: str
    ) -> None:
        contract = {capacity: Decimal(value) for capacity, value in kw.items()}
        assert basic_charge(tariff, season, contract) == Decimal(amount)


class TestPowerFactor:
    """功率因數調整."""

    @pytest.mark.parametrize(
        ("percent", "share"),
        [(80, "0"), (90, "-0.010"), (95, "-0.015"), (99, "-0.015"), (79, "0.001"), (70, "0.010"), (None, "0")],
    )
    def test_each_per_cent_from_80_changes_basic_and_energy_charge_by_a_thousandth(
        self, percent: int | None, share: str
    ) -> None:
        assert power_factor_share(THREE.rules, percent) == Decimal(share)

    def test_it_adjusts_no_demand_above_the_contract(self) -> None:
        found = bill([part({PEAK: 1000.0}, {PEAK: 5300.0})], power_factor=95)

        assert found.power_factor_amount == -(Decimal(9390) + 1_118_000) * Decimal("0.015")
        assert found.total == Decimal(9390) + 1_118_000 + 134_160 + found.power_factor_amount

    @pytest.mark.parametrize(("kwh", "kvarh", "percent"), [(100.0, 0.0, 100), (80.0, 60.0, 80), (0.0, 0.0, None)])
    def test_the_mean_of_a_month_is_made_of_active_and_reactive_energy(
        self, kwh: float, kvarh: float, percent: int | None
    ) -> None:
        assert power_factor_of(kwh, kvarh) == percent


class TestBills:
    """A whole month."""

    def test_energy_costs_its_price_in_each_period(self) -> None:
        found = energy_charges(THREE, SUMMER, {PEAK: 1000.0, HALF: 2000.0, SATURDAY: 500.0, OFF: 3000.0})

        assert [charge.amount for charge in found] == [9390, 11700, 1300, 7590]

    @given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4))
    def test_the_whole_is_the_sum_of_its_parts(self, energy: list[float]) -> None:
        kwh = dict(zip(TariffPeriod, energy, strict=True))

        found = bill([part(kwh, {PEAK: 5600.0}, 2), part({}, {OFF: 5600.0}, 2)], power_factor=90)

        assert found.total == found.energy + found.basic + found.over_contract + found.power_factor_amount
        assert found.energy == sum(charge.amount for item in found.parts for charge in item.energy)
        assert found.basic == 1_118_000

    @given(st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from(TariffPeriod))
    def test_more_energy_never_costs_less(self, kwh: float, more: float, period: TariffPeriod) -> None:
        assert bill([part({period: kwh})]).total <= bill([part({period: kwh + more})]).total

    @pytest.mark.parametrize(("amount", "shown"), [("0.5", "1"), ("1.4999", "1"), ("2.5", "3"), ("-2.5", "-3")])
    def test_what_is_to_be_paid_is_shown_in_whole_dollars_half_up(self, amount: str, shown: str) -> None:
        assert rounded(Decimal(amount)) == Decimal(shown)
