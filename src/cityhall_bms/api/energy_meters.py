"""Meters: the tree, what they counted, whether it adds up, and who took it."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from cityhall_bms.api import energy_meters_models as models
from cityhall_bms.api.energy_meters_models import Period
from cityhall_bms.api.history import known_text, times
from cityhall_bms.api.models import Text
from cityhall_bms.api.points import checked_window, known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339, to_us
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Meter
from cityhall_bms.domain.site import Place
from cityhall_bms.energy.accounts import Account, Asked, Statement

ROC_OFFSET = 1911
CELLS_MAX = 1_000_000
"""Meters times intervals of one answer."""
OTHER_INTERVALS = "take longer intervals, a shorter time or fewer meters"

router = APIRouter(prefix="/energy", tags=["energy"])


class AskedAmounts(Period):
    """Of which meters; without a choice of all."""

    names: str = Field("", max_length=20_000, description="Names with commas.")
    commodity: Commodity | None = Field(None, description="Meters of this commodity.")
    tenant: str = Field("", max_length=60, description="Meters of this tenant.")

    def meters(self, services: ApiServices) -> list[Meter]:
        """Meters that are asked for; 404 for a name that nobody knows."""
        metering = services.site.metering
        if self.names:
            return [metering.meter(name.strip()) for name in dict.fromkeys(self.names.split(","))]
        return [
            meter
            for meter in metering.meters.values()
            if self.commodity in {None, meter.commodity} and self.tenant in {"", meter.tenant}
        ]


class AskedBalance(Period):
    """Of which nodes; without a choice of all."""

    meter: str = Field("", max_length=60, description="This meter, and what lies below it.")


class AskedTotals(Period):
    """Whether figures of too little coverage are given, too."""

    provisional: bool = Field(False, description="Also figures under the least coverage; they are marked.")  # noqa: FBT003


@router.get("/meters")
async def list_meters(services: Services) -> models.MeterList:
    """Every meter with its place in the tree, and the base years."""
    metering = services.site.metering
    return models.MeterList(
        items=[models.Meter.of(meter, metering) for meter in metering.meters.values()],
        base_years=[
            models.BaseYear(commodity=commodity, year=year, roc=year - ROC_OFFSET)
            for commodity, year in metering.base_years.items()
        ],
    )


@router.get("/meters/{name}", responses=responses(404))
async def get_meter(services: Services, name: str) -> models.Meter:
    """One meter."""
    metering = services.site.metering
    return models.Meter.of(metering.meter(name), metering)


@router.get("/meters/{name}/amounts", responses=responses(400, 404, 409, 422, 503))
async def get_meter_amounts(services: Services, name: str, asked: Annotated[Period, Query()]) -> models.AmountsAnswer:
    """What one meter counted."""
    return await _amounts(services, [services.site.metering.meter(name)], asked)


@router.get("/amounts", responses=responses(400, 404, 409, 422, 503))
async def get_amounts(services: Services, asked: Annotated[AskedAmounts, Query()]) -> models.AmountsAnswer:
    """What many meters counted, as for a year's report by month."""
    return await _amounts(services, asked.meters(services), asked)


@router.get("/balance", responses=responses(400, 404, 409, 422, 503))
async def get_balance(services: Services, asked: Annotated[AskedBalance, Query()]) -> models.BalanceAnswer:
    """What comes in at each node less what its parts counted, and what that says."""
    metering, accounts = services.site.metering, services.energy.accounts
    nodes = accounts.nodes()
    if asked.meter:
        below = {metering.meter(asked.meter).name, *(meter.name for meter in metering.below(asked.meter))}
        nodes = [node for node in nodes if node in below]
    read, found = await accounts.balances(nodes, _asked(services, asked))
    limits = accounts.limits
    return models.BalanceAnswer(
        **_frame(services, asked, read),
        limits=models.Limits(
            warn_percent=limits.warn * 100,
            wrong_percent=limits.wrong * 100,
            impossible_percent=limits.impossible * 100,
            coverage_min_percent=limits.coverage_min * 100,
        ),
        nodes=[models.Node.of(node, metering) for node in found],
    )


@router.get("/tenants", responses=responses(400, 409, 422, 503))
async def get_tenants(services: Services, asked: Annotated[AskedTotals, Query()]) -> models.TenantsAnswer:
    """What each tenant took of each commodity."""
    tenants = services.site.metering.tenants.values()
    wanted = [Account(commodity, tenant=tenant.name) for tenant in tenants for commodity in Commodity]
    totals = await _Totals.read(services, wanted, asked)
    return models.TenantsAnswer(
        **_frame(services, asked, totals.amounts),
        tenants=[
            models.Tenant(
                name=tenant.name,
                text=Text(zh=tenant.text_zh, en=tenant.text_en),
                area_m2=tenant.area_m2,
                totals=totals.of((a for a in wanted if a.tenant == tenant.name), tenant.area_m2),
            )
            for tenant in tenants
        ],
    )


@router.get("/places", responses=responses(400, 409, 422, 503))
async def get_places(services: Services, asked: Annotated[AskedTotals, Query()]) -> models.PlacesAnswer:
    """What each floor and zone took of each commodity, by the meters that serve it alone."""
    site = services.site
    floors = [Account(commodity, floor=floor.code) for floor in site.floors for commodity in Commodity]
    zones = [Account(commodity, zone=zone.code) for zone in site.zones for commodity in Commodity]
    totals = await _Totals.read(services, [*floors, *zones], asked)

    def place(found: Place, accounts: Iterable[Account]) -> models.Place:
        return models.Place(code=found.code, text=Text.of(found.text), totals=totals.of(accounts, None))

    return models.PlacesAnswer(
        **_frame(services, asked, totals.amounts),
        floors=[place(floor, [a for a in floors if a.floor == floor.code]) for floor in site.floors],
        zones=[place(zone, [a for a in zones if a.zone == zone.code]) for zone in site.zones],
    )


class _Totals:
    """Totals of accounts, beside those of the site."""

    def __init__(self, statement: Statement, coverage_min: float, *, provisional: bool) -> None:
        self.amounts = statement.amounts
        self._row = {account: row for row, account in enumerate(statement.accounts)}
        self._meters = statement.meters
        self._coverage_min = coverage_min
        self._provisional = provisional

    @classmethod
    async def read(cls, services: ApiServices, accounts: Sequence[Account], asked: AskedTotals) -> "_Totals":
        """Read them with those of the site."""
        site = [Account(commodity) for commodity in Commodity]
        found = await services.energy.accounts.statement([*site, *accounts], _asked(services, asked))
        return cls(found, services.energy.accounts.limits.coverage_min, provisional=asked.provisional)

    def of(self, accounts: Iterable[Account], area_m2: float | None) -> list[models.Total]:
        """Those of some accounts that have meters."""
        return [self._total(account, area_m2) for account in accounts if account in self._row]

    def _total(self, account: Account, area_m2: float | None) -> models.Total:
        row, site = self._row[account], self._row[Account(account.commodity)]
        amounts, unit = self.amounts, account.commodity.unit
        thin = amounts.coverage < self._coverage_min
        value = np.where(thin & (not self._provisional), np.nan, amounts.value)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = value[row] / value[site] * 100.0
        given = np.isfinite(value[row])
        return models.Total(
            commodity=account.commodity,
            unit=unit,
            v=models.figures(value[row]),
            estimated=np.where(given, amounts.estimated[row], 0.0).tolist(),
            coverage=amounts.coverage[row].tolist(),
            provisional=(thin[row] & given).tolist(),
            meters=list(self._meters[row]),
            site_percent=models.figures(share),
            per_m2=None if area_m2 is None else models.figures(value[row] / area_m2),
        )


async def _amounts(services: ApiServices, meters: Sequence[Meter], asked: Period) -> models.AmountsAnswer:
    read = await services.energy.accounts.read([meter.name for meter in meters], _asked(services, asked))
    if read.value.size > CELLS_MAX:
        raise HTTPException(400, f"that would be {read.value.size} figures: {OTHER_INTERVALS}")
    return models.AmountsAnswer(
        **_frame(services, asked, read),
        meters=[
            models.MeterColumn(
                meter=meter.name,
                commodity=meter.commodity,
                **models.column(meter.commodity.unit, read, row).model_dump(),
            )
            for row, meter in enumerate(meters)
        ],
    )


def _asked(services: ApiServices, asked: Period) -> Asked:
    window = checked_window(to_us(asked.start), to_us(asked.end), asked.interval)
    return Asked(window, asked.interval, asked.estimate, known_us(services, asked.as_known_at))


def _frame(services: ApiServices, asked: Period, read: Amounts) -> dict[str, Any]:
    """What all answers have in common."""
    return {
        "interval": asked.interval,
        "time_zone": services.site.time_zone,
        "estimate": asked.estimate,
        "as_known_at": known_text(asked.as_known_at),
        "t": times(read.at),
        "end": to_rfc3339(read.end) or "",
    }
