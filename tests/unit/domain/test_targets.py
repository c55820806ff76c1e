"""Which figure a target has on which day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from cityhall_bms.domain.targets import Target, Targets

ZONE = "Asia/Taipei"
TARGETS = Targets(
    ZONE,
    (
        Target("PLANT", 0.85, "kW/RT", date(2026, 7, 1)),
        Target("PLANT", 0.9, "kW/RT", date(2026, 1, 1)),
        Target("EUI", 120.0, "kWh/m²"),
    ),
)


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1e6)


def test_a_target_is_valid_from_the_first_moment_of_its_day_by_the_buildings_clocks() -> None:
    told = [
        TARGETS.value("PLANT", us(at))
        for at in ("2025-12-31 23:59", "2026-01-01 00:00", "2026-06-30 23:59", "2026-07-01")
    ]
    assert told == [None, 0.9, 0.9, 0.85]


def test_one_without_a_day_has_always_been_valid() -> None:
    assert TARGETS.value("EUI", us("1990-01-01")) == 120.0


def test_it_is_told_which_there_are_and_in_which_unit() -> None:
    assert [TARGETS.unit(name) for name in ("PLANT", "EUI", "NONE")] == ["kW/RT", "kWh/m²", None]
    assert TARGETS.value("NONE", 0) is None
