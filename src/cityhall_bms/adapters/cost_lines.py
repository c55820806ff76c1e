"""Costs of energy as CSV (`docs/reference/csv.md`)."""

from collections.abc import AsyncIterator
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.csv_cells import BOM, guarded, number
from cityhall_bms.adapters.export_files.lines import time_cells
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.energy.costing import CostAnswer, CostQuestion

HEADINGS: Final = {
    "zh": [
        "時間（當地）", "時間（UTC）", "民國日期", "計量表", "承租單位", "用電量", "單位", "其中估計", "電費（元）",
        "涵蓋率（%）", "暫列", "電價版本",
    ],
    "en": [
        "Local time", "UTC time", "ROC date", "Meter", "Tenant", "Energy", "Unit", "Estimated", "Cost (NT$)",
        "Coverage (%)", "Provisional", "Tariff versions",
    ],
}  # fmt: skip
PROVISIONAL: Final = {"zh": "暫列", "en": "provisional"}


class CostCsv:
    """See :class:`~cityhall_bms.energy.costing.CostLines`; a chunk per interval, oldest first."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)

    async def __call__(self, ask: CostQuestion, found: CostAnswer, language: str) -> AsyncIterator[bytes]:
        """Give the chunks."""
        yield BOM + (",".join(HEADINGS[language]) + "\r\n").encode()
        names = [f"{guarded(name)}," for name in ask.meters] + [f",{guarded(name)}" for name in ask.tenants]
        versions = guarded(" ".join(found.tariff_versions))
        costs, unit = found.costs, Commodity.ELECTRICITY.unit
        for column, at in enumerate(costs.at.tolist()):
            time = time_cells(at, self._zone)
            lines = []
            for row, name in enumerate(names):
                kwh, cost = float(costs.kwh[row, column]), float(costs.cost[row, column])
                estimated = "" if kwh != kwh else number(float(costs.estimated[row, column]))  # noqa: PLR0124 - NaN
                share = f"{100 * float(costs.coverage[row, column]):.1f}"
                mark = PROVISIONAL[language] if found.provisional[row, column] else ""
                lines.append(
                    f"{time},{name},{number(kwh)},{unit},{estimated},{number(cost)},{share},{mark},{versions}\r\n"
                )
            yield "".join(lines).encode()
