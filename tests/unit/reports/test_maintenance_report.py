"""The maintenance report says what was done in time, who came late and what patrols found, as people read it."""

from datetime import date

from cityhall_bms.domain.maintenance.figures import Arrivals, CategoryCount, MaintenanceFigures
from cityhall_bms.domain.maintenance.fire_tests import FireResult, FireTest
from cityhall_bms.domain.maintenance.orders import WorkState
from cityhall_bms.domain.maintenance.patrol import Category
from cityhall_bms.domain.maintenance.plans import Punctuality, Task, TaskState
from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Sentence, Source, Table, shown
from cityhall_bms.reports.maintenance import MaintenanceData, maintenance_sections

SOURCE = Source("/api/v1/maintenance/orders")


def lines(figures: MaintenanceFigures, *standing: Task, language: Language = Language.ZH) -> list[str]:
    """Sentences, and rows with their cells parted by a bar."""
    data = MaintenanceData(
        figures, standing, {"filter": Text("濾網", "Filter")}, 0.87, 600.0, SOURCE, SOURCE, SOURCE, SOURCE
    )
    found: list[str] = []
    for section in maintenance_sections(data):
        for block in section.blocks:
            if isinstance(block, Sentence):
                found.append(block.text(language))
            elif isinstance(block, Table):
                found += ["｜".join(shown(cell, language) for cell in row) for row in block.rows]
    return found


def test_the_figures_are_those_of_the_city() -> None:
    """Domain reference section 2: (59 − 8)/59 = 86.44 %; 198 findings = 95 + 48 + 38 + 17."""
    counts = dict(zip(Category, (95, 48, 38, 17), strict=True))
    test = FireTest(
        "2026-06-28-1", "valves", "2026-06-30", "2026-06-28", "公司", (FireResult("ACV01", ok=True),), "王", 0
    )
    figures = MaintenanceFigures(
        plans={"filter": Punctuality(8, 7, 6)},
        arrivals=Arrivals(59, 8),
        orders={WorkState.CLOSED: 51, WorkState.NEW: 0},
        findings={category: CategoryCount(count, count) for category, count in counts.items()},
        rounds=31,
        fire_tests=[test],
    )
    said = lines(figures, Task("filter", "TCH.05.W.AHU01", TaskState.OVERDUE, due=date(2026, 6, 30)))
    assert "應辦保養 8 件，已辦 7 件，其中準時 6 件，準時率 75.00%。" in said
    assert "濾網｜8｜7｜6｜75.00%" in said
    assert "逾期｜濾網｜TCH.05.W.AHU01｜2026-06-30" in said
    assert "緊急報修 59 件，逾 10 分鐘到場 8 件，準時到場率 86.44%（目標 87%〔申報〕）。" in said
    assert "已結案｜51" in said
    assert "巡檢 31 次，發現缺失 198 件，已改善 198 件，逾期 0 件。" in said
    assert "淨空走道｜95｜95｜0" in said
    assert "valves｜2026-06-28｜公司｜合格｜" in said


def test_where_nothing_was_due_no_share_is_made_up() -> None:
    said = lines(MaintenanceFigures(), language=Language.EN)
    assert said[0] == "Preventive work: 0 due, 0 done, 0 of them on time: —."
    assert "No repair had to be arrived at within 10 min." in said
