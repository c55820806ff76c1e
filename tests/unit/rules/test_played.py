"""Alarm handling in a backtest: what operators would have heard beside the causes, permits and deadlines of that time."""

from collections.abc import Sequence

from tests.support.powered_building import NOW, TOPOLOGY, building, full
from tests.support.rule_trial import rule
from tests.unit.rules.test_backtest import MINUTE, Past, series

from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.domain.permits import PermitOpened, permit_stream
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.backtest import Backtester, Outcome, Question
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.played import Surroundings

SITE = building()
IDS = {name: number for number, name in enumerate(SITE.points, start=1)}
POWER = ["Building_Electrical_Meter", "Switchgear"]
LOSS = rule(id="E01-LOSS", equipment_class=POWER, condition="A < 10 °C", deadband="1 K", priority=1)
HOT = rule(id="HOT", equipment_class="Air_Handling_Unit", condition="A > 30 °C", priority=3)
SILENT = rule(id="G01", kind="device", priority=3, detects=["G01"])
SUPPRESSION = Suppression([table.row() for table in shipped_rows()], TOPOLOGY, {"G01": ["G01"]})
HOLD_MIN = 5
"""For so long the shipped table goes on hiding what lost its supply."""
CALM = 20.0


def past(minutes: int, **columns: Sequence[tuple[int, float]]) -> Past:
    """A value a minute of every point ``A``: those named change, the others are calm."""
    values = {IDS[name]: [CALM] * minutes for name in SITE.points}
    return Past.of(values | {IDS[f"{full(name)}.A"]: series(*parts) for name, parts in columns.items()}, first=NOW)


async def outcome_of(history: Past, minutes: int, around: Surroundings | None = None, wording: Rule = HOT) -> Outcome:
    question = Question(wording, None, Window(NOW, NOW + minutes * MINUTE), MINUTE)
    return (await Backtester(SITE, IDS, history, around).run(question)).outcome


def surroundings(*permits: PermitOpened, handling: Handling | None = None) -> Surroundings:
    entries = [
        StoredEvent(number, item.at, permit_stream(item.permit), 1, "PermitOpened", "李", item.payload(), b"", b"")
        for number, item in enumerate(permits, 1)
    ]
    return Surroundings(SUPPRESSION, [LOSS, HOT, SILENT], entries, handling or Handling())


def rang_at(outcome: Outcome) -> list[tuple[str, int]]:
    rang = outcome.played.rang
    return [(rang.names[alarm].removeprefix("HOT~TCH."), (at - NOW) // MINUTE)
            for alarm, at in zip(rang.alarm.tolist(), rang.rang.tolist(), strict=True)]  # fmt: skip


async def test_what_only_follows_from_a_lost_supply_is_an_episode_and_never_rings() -> None:
    history = past(120, HVM01=[(30, CALM), (40, 0.0), (50, CALM)], AHU01=[(35, CALM), (20, 40.0), (65, CALM)])
    outcome = await outcome_of(history, 120, surroundings())
    assert outcome.causes == ("E01-LOSS",)
    assert len(outcome.episodes) == 1
    assert rang_at(outcome) == []
    assert (outcome.played.hidden, dict(outcome.played.hidden_as)) == (1, {"SUPPLY-LOST": 1})
    assert outcome.figures.annunciations == 0


async def test_alone_it_would_have_rung() -> None:
    history = past(120, HVM01=[(30, CALM), (40, 0.0), (50, CALM)], AHU01=[(35, CALM), (20, 40.0), (65, CALM)])
    outcome = await outcome_of(history, 120)
    assert outcome.causes == ()
    assert rang_at(outcome) == [("05.W.AHU01", 35)]


async def test_what_outlasts_its_cause_rings_when_the_hold_of_the_row_is_over() -> None:
    history = past(120, HVM01=[(30, CALM), (40, 0.0), (50, CALM)], AHU01=[(35, CALM), (85, 40.0)])
    outcome = await outcome_of(history, 120, surroundings())
    assert rang_at(outcome) == [("05.W.AHU01", 70 + HOLD_MIN)]
    assert outcome.played.hidden == 0


async def test_what_has_another_supply_rings() -> None:
    history = past(60, HVM01=[(20, CALM), (40, 0.0)], AHU02=[(30, CALM), (30, 40.0)])
    assert rang_at(await outcome_of(history, 60, surroundings())) == [("05.E.AHU02", 30)]


async def test_a_works_permit_of_that_time_hides_its_zone_while_it_holds() -> None:
    history = past(120, AHU01=[(30, CALM), (90, 40.0)])
    works = PermitOpened("permit-1", "works", [], ["05.W"], [], NOW + 20 * MINUTE, NOW + 60 * MINUTE, "換管", "李", NOW)
    outcome = await outcome_of(history, 120, surroundings(works))
    assert rang_at(outcome) == [("05.W.AHU01", 60)]
    assert dict(outcome.played.hidden_as) == {"WORKS": 1}


async def test_a_drill_counts_in_no_figure_of_load() -> None:
    drill = PermitOpened("permit-1", "drill", [], ["05"], [], NOW, NOW + 60 * MINUTE, "演練", "李", NOW)
    outcome = await outcome_of(past(60, AHU01=[(30, CALM), (20, 40.0), (10, CALM)]), 60, surroundings(drill))
    assert outcome.figures.annunciations == 0


async def test_who_stands_long_after_it_was_acknowledged_rings_again() -> None:
    # Priority 3 is to be acknowledged within half an hour; here it rings again an hour after that.
    again = Handling(realarm_s=(900.0, 3_600.0, 3_600.0, 0.0))
    outcome = await outcome_of(past(180, AHU01=[(10, CALM), (170, 40.0)]), 180, surroundings(handling=again))
    assert rang_at(outcome) == [("05.W.AHU01", 10), ("05.W.AHU01", 100)]
    assert outcome.played.rang.again.tolist() == [False, True]
    assert outcome.standing_max == 1


async def test_a_latched_alarm_is_reset_and_rings_the_next_time() -> None:
    latching = rule(id="HOT", equipment_class="Air_Handling_Unit", condition="A > 30 °C", priority=1, latching=True)
    history = past(60, AHU01=[(10, CALM), (5, 40.0), (15, CALM), (5, 40.0), (25, CALM)])
    assert [at for _, at in rang_at(await outcome_of(history, 60, surroundings(), latching))] == [10, 30]


async def test_a_rule_that_is_a_cause_itself_hides_its_own_downstream_only_below_priority_1() -> None:
    history = past(60, HVM01=[(20, CALM), (40, 0.0)], LVP01=[(20, CALM), (40, 0.0)])
    mild = rule(id="E01-LOSS", equipment_class=POWER, condition="A < 10 °C", deadband="1 K", priority=2)
    outcome = await outcome_of(history, 60, surroundings(), mild)
    assert [outcome.played.rang.names[alarm] for alarm in outcome.played.rang.alarm.tolist()] == [
        f"E01-LOSS~{full('HVM01')}"
    ]
    assert outcome.played.hidden == 1
