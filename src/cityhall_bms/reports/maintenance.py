"""The report of maintenance: preventive work, repairs, patrols and fire tests. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.maintenance.figures import CategoryCount, MaintenanceFigures
from cityhall_bms.domain.maintenance.orders import WorkState
from cityhall_bms.domain.maintenance.patrol import Category
from cityhall_bms.domain.maintenance.plans import Punctuality, Task, TaskState
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Column, Figure, Section, Sentence, Source, Table, Value

LISTED_MAX: Final = 200
CATEGORIES: Final = {
    Category.CLEAR_CORRIDORS: Text("淨空走道", "Clear corridors"),
    Category.WORKING_FACILITIES: Text("設施正常", "Working facilities"),
    Category.CLEAN_SURROUNDINGS: Text("環境整潔", "Clean surroundings"),
    Category.CEILING_AND_FLOOR: Text("天地無虞", "Ceiling and floor"),
}
STATES: Final = {
    WorkState.NEW: Text("新通報", "New"),
    WorkState.TRIAGED: Text("已分級", "Triaged"),
    WorkState.ASSIGNED: Text("已派工", "Assigned"),
    WorkState.ARRIVED: Text("已到場", "On site"),
    WorkState.ON_HOLD: Text("待料", "On hold"),
    WorkState.FIXED: Text("已修復", "Fixed"),
    WorkState.VERIFIED: Text("已複驗", "Verified"),
    WorkState.CLOSED: Text("已結案", "Closed"),
    WorkState.REOPENED: Text("重啟", "Reopened"),
}
TASK_STATES: Final = {
    TaskState.OVERDUE: Text("逾期", "Overdue"),
    TaskState.DUE: Text("到期", "Due"),
    TaskState.UNKNOWN: Text("時數不明", "Hours unknown"),
}


@dataclass(frozen=True, slots=True)
class MaintenanceData:
    """What the report is made from. ``standing`` is what is due or overdue when it is made."""

    figures: MaintenanceFigures
    standing: Sequence[Task]
    texts: Mapping[str, Text]
    """Of plans and fire tests by name."""
    arrive_target: float
    arrive_within_s: float
    due: Source
    orders: Source
    findings: Source
    tests: Source


def maintenance_sections(data: MaintenanceData) -> tuple[Section, ...]:
    """The whole report."""
    return (
        Section(Text("預防保養", "Preventive maintenance"), (_punctual(data), _plans(data), _standing(data))),
        Section(Text("報修", "Repairs"), (_arrivals(data), _states(data))),
        Section(Text("巡檢", "Patrols"), (_patrols(data), _categories(data))),
        Section(Text("消防測試", "Fire tests"), (_tests(data),)),
    )


def _share(value: float | None, source: Source) -> Figure:
    return Figure(None if value is None else 100.0 * value, "%", 2, sources=(source,))


def _count(value: int, source: Source) -> Figure:
    return Figure(value, sources=(source,))


def _punctual(data: MaintenanceData) -> Sentence:
    found = data.figures.preventive
    values = {
        "due": _count(found.due, data.orders),
        "done": _count(found.done, data.orders),
        "on_time": _count(found.on_time, data.orders),
        "share": _share(found.share, data.orders),
    }
    return Sentence("preventive", values)


def _plans(data: MaintenanceData) -> Table:
    columns = (
        Column("plan", Text("計畫", "Plan")),
        Column("due", Text("應辦", "Due"), numeric=True),
        Column("done", Text("已辦", "Done"), numeric=True),
        Column("on_time", Text("準時", "On time"), numeric=True),
        Column("share", Text("準時率（%）", "On time (%)"), numeric=True),
    )
    rows = tuple(_plan(data, name, found) for name, found in data.figures.plans.items() if found.due)
    return Table("plans", Text("依計畫", "By plan"), columns, rows)


def _plan(data: MaintenanceData, name: str, found: Punctuality) -> tuple[Value, ...]:
    counts = (found.due, found.done, found.on_time)
    figures = tuple(_count(value, data.orders) for value in counts)
    return (data.texts.get(name, name), *figures, _share(found.share, data.orders))


def _standing(data: MaintenanceData) -> Table:
    columns = (
        Column("state", Text("狀態", "State")),
        Column("plan", Text("計畫", "Plan")),
        Column("equipment", Text("設備", "Equipment")),
        Column("due", Text("期限", "Due")),
    )
    rows = tuple(
        (
            TASK_STATES[task.state],
            data.texts.get(task.plan, task.plan),
            task.equipment,
            f"{task.hours_due:.0f} h" if task.due is None and task.hours_due else str(task.due or ""),
        )
        for state in TASK_STATES
        for task in data.standing
        if task.state is state
    )
    return Table("standing_tasks", Text("製表時到期與逾期", "Due and overdue when made"), columns, rows[:LISTED_MAX])


def _arrivals(data: MaintenanceData) -> Sentence:
    found = data.figures.arrivals
    minutes = f"{data.arrive_within_s / 60:.0f}"
    if not found.n:
        return Sentence("no_arrivals", {"minutes": minutes})
    return Sentence(
        "arrivals",
        {
            "n": _count(found.n, data.orders),
            "late": _count(found.late, data.orders),
            "minutes": minutes,
            "share": _share(found.share, data.orders),
            "target": Figure(100.0 * data.arrive_target, "%", declared=True),
        },
    )


def _states(data: MaintenanceData) -> Table:
    columns = (Column("state", Text("狀態", "State")), Column("count", Text("件數", "Orders"), numeric=True))
    rows = tuple(
        (STATES[state], _count(number, data.orders)) for state, number in data.figures.orders.items() if number
    )
    return Table("repairs", Text("本期通報之現況", "Reported in the period, as they stand"), columns, rows)


def _patrols(data: MaintenanceData) -> Sentence:
    counts = data.figures.findings.values()
    found, closed = sum(each.found for each in counts), sum(each.closed for each in counts)
    values = {
        "rounds": _count(data.figures.rounds, data.findings),
        "found": _count(found, data.findings),
        "closed": _count(closed, data.findings),
        "overdue": _count(sum(each.overdue for each in counts), data.findings),
    }
    return Sentence("patrols", values)


def _categories(data: MaintenanceData) -> Table:
    columns = (
        Column("category", Text("類別", "Category")),
        Column("found", Text("發現", "Found"), numeric=True),
        Column("closed", Text("已改善", "Closed"), numeric=True),
        Column("overdue", Text("逾期", "Overdue"), numeric=True),
    )
    rows = tuple(
        _category(data, text, data.figures.findings.get(category, CategoryCount()))
        for category, text in CATEGORIES.items()
    )
    return Table("findings", Text("依四大類", "By the four categories"), columns, rows)


def _category(data: MaintenanceData, text: Text, found: CategoryCount) -> tuple[Value, ...]:
    return (text, *(_count(value, data.findings) for value in (found.found, found.closed, found.overdue)))


def _tests(data: MaintenanceData) -> Table:
    columns = (
        Column("test", Text("測試", "Test")),
        Column("tested", Text("日期", "Day")),
        Column("tester", Text("測試者", "Tester")),
        Column("result", Text("結果", "Result")),
        Column("filed", Text("申報", "Filed")),
    )
    passed, failed = Text("合格", "passed"), Text("不合格", "failed")
    rows = tuple(
        (
            data.texts.get(test.plan, test.plan),
            test.tested_on,
            test.tester,
            passed if test.passed else failed,
            f"{test.filed_on} {test.filed_number}".strip(),
        )
        for test in data.figures.fire_tests
    )
    return Table("fire_tests", Text("測試紀錄", "Tests made"), columns, rows[:LISTED_MAX])
