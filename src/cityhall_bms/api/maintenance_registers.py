"""The registers of fire tests and of assets. Nothing here reads or writes a point of the fire system."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cityhall_bms.api import cursors
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.maintenance import Asked, Cursor, Limit, attached, check_place
from cityhall_bms.api.maintenance_models import GivenWorkDocument, Line, Said, WorkDocument
from cityhall_bms.api.maintenance_plan_models import MaintenanceTask
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, WrittenDay, to_rfc3339, to_us
from cityhall_bms.domain.maintenance import assets, fire_tests
from cityhall_bms.domain.maintenance.assets import AssetExchanged, AssetRecorded
from cityhall_bms.domain.maintenance.documents import as_values
from cityhall_bms.domain.maintenance.fire_tests import FireTestFiled, FireTestRecorded
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.maintenance import RecordFilter

router = APIRouter(prefix="/maintenance", tags=["maintenance"])

AMOUNT_MAX = 1e9
Measured = Annotated[float | None, Field(ge=0.0, le=AMOUNT_MAX)]
Counted = Annotated[float, Field(ge=0.0, le=1e15)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]


class FireTestResult(BaseModel):
    """Result at one valve, shutter, pump or zone."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[Line, Field(min_length=1, examples=["TCH.B2.CN.ACV01"])]
    ok: StrictBool
    response_s: Measured = None
    pressure_before_kpa: Measured = None
    pressure_after_kpa: Measured = None
    note: Line = ""


class NewFireTest(BaseModel):
    """A test that was made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "plan": "alarm_valve", "due": "2026-06-30", "tested_on": "2026-06-28", "tester": "安全消防公司",
                "results": [
                    {"subject": "TCH.B2.CN.ACV01", "ok": True, "response_s": 32.0, "pressure_before_kpa": 700.0,
                     "pressure_after_kpa": 520.0}
                ],
            }
        },
    )  # fmt: skip

    plan: Line
    due: Annotated[WrittenDay | None, Field(description="Due day that it is for; null: beyond the plan.")] = None
    tested_on: WrittenDay
    tester: Annotated[Line, Field(min_length=1, description="Who tested: a person or a company.")]
    results: Annotated[list[FireTestResult], Field(max_length=200)]
    comment: Words = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=20)] = []


class FireTestFiling(BaseModel):
    """A report was filed with the fire department."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"filed_on": "2026-07-10", "number": "北消預字第1150710號"}}
    )

    filed_on: WrittenDay
    number: Line = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=20)] = []


class FireTest(Model):
    """One test of the register."""

    test: str = Field(examples=["2026-06-28-1"])
    plan: str
    text: Text | None
    due: str | None
    tested_on: str
    tester: str
    passed: bool
    results: list[FireTestResult]
    file_until: str | None = Field(description="Last day on which its report may be filed; null: none is asked for.")
    filed_on: str | None
    filed_number: str
    filing_overdue: bool
    comment: str
    documents: list[WorkDocument]
    by: str
    at: Time

    @classmethod
    def of(cls, test: fire_tests.FireTest, services: ApiServices) -> "FireTest":
        """Give the answer's form."""
        plan = next((plan for plan in services.maintenance.book.fire_tests if plan.name == test.plan), None)
        until = None if plan is None else test.file_until(plan)
        today = local_day(ZoneInfo(services.site.time_zone), services.clock.now())
        return cls(
            test=test.test,
            plan=test.plan,
            text=None if plan is None else Text(zh=plan.text_zh, en=plan.text_en),
            due=test.due or None,
            tested_on=test.tested_on,
            tester=test.tester,
            passed=test.passed,
            results=[FireTestResult(**_fields(result)) for result in test.results],
            file_until=None if until is None else until.isoformat(),
            filed_on=test.filed_on or None,
            filed_number=test.filed_number,
            filing_overdue=until is not None and not test.filed_on and today > until,
            comment=test.comment,
            documents=[WorkDocument.of(document) for document in test.documents],
            by=test.by,
            at=to_rfc3339(test.at) or "",
        )


class FireTestPage(Model):
    """What is due, and what was tested: the newest first, and where to go on."""

    due: list[MaintenanceTask] = Field(description="Every test of the plan as it stands now.")
    items: list[FireTest]
    next: str | None


class NewAsset(BaseModel):
    """What is known of an asset. Equipment of the site has its class, place and texts from there."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "serial": "CH-1994-001", "maker": "Carrier", "model": "19XR", "installed": "1994-05-01",
                "life_years": 20.0,
            }
        },
    )  # fmt: skip

    asset_class: Annotated[Line, Field(examples=["Fire_Extinguisher"])] = ""
    place: Line = ""
    text_zh: Line = ""
    text_en: Line = ""
    serial: Line = ""
    maker: Line = ""
    model: Line = ""
    installed: WrittenDay | None = None
    warranty_until: WrittenDay | None = None
    life_years: Annotated[float | None, Field(gt=0.0, le=200.0)] = None
    note: Words = ""
    documents: Annotated[list[GivenWorkDocument], Field(max_length=20)] = []


class ExchangedCounter(BaseModel):
    """Last reading of the old counter and first one of the new, in the unit of the point."""

    model_config = ConfigDict(extra="forbid")

    point: Annotated[Line, Field(examples=["TCH.B2.CN.CHC01.RunHr"])]
    last_old: Counted
    first_new: Counted


class NewAssetExchange(BaseModel):
    """Another unit stands there now; its points go on under their names."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "serial": "CH-2026-001", "maker": "Carrier", "model": "19DV", "installed": "2026-07-01",
                "reason": "屆齡汰換",
                "counters": [{"point": "TCH.B2.CN.CHC01.RunHr", "last_old": 98231.0, "first_new": 0.0}],
            }
        },
    )  # fmt: skip

    at: Annotated[Moment | None, Field(description="When it was exchanged; null: now.")] = None
    serial: Annotated[Line, Field(min_length=1)]
    maker: Line = ""
    model: Line = ""
    installed: WrittenDay | None = None
    warranty_until: WrittenDay | None = None
    reason: Said
    counters: Annotated[list[ExchangedCounter], Field(max_length=20)] = []
    order: Line = ""


class AssetUnit(Model):
    """One physical unit."""

    serial: str
    maker: str
    model: str
    installed: str | None
    warranty_until: str | None
    until: Time | None = Field(description="When it was exchanged; null: it stands there.")
    reason: str
    exchanged_by: str | None

    @classmethod
    def of(cls, unit: assets.Unit) -> "AssetUnit":
        """Give the answer's form."""
        return cls(
            serial=unit.serial,
            maker=unit.maker,
            model=unit.model,
            installed=unit.installed or None,
            warranty_until=unit.warranty_until or None,
            until=to_rfc3339(unit.until),
            reason=unit.reason,
            exchanged_by=unit.exchanged_by or None,
        )


class Asset(Model):
    """One asset as it stands."""

    tag: str = Field(examples=["TCH.B2.CN.CHC01"])
    asset_class: str
    place: str
    text: Text
    unit: AssetUnit
    epoch: int = Field(description="Which unit it is, from 1.")
    earlier: list[AssetUnit]
    life_years: float | None
    note: str
    documents: list[WorkDocument]
    changed_by: str
    changed_at: Time

    @classmethod
    def of(cls, asset: assets.Asset) -> "Asset":
        """Give the answer's form."""
        return cls(
            tag=asset.tag,
            asset_class=asset.asset_class,
            place=asset.place,
            text=Text(zh=asset.text_zh, en=asset.text_en),
            unit=AssetUnit.of(asset.unit),
            epoch=asset.epoch,
            earlier=[AssetUnit.of(unit) for unit in asset.earlier],
            life_years=asset.life_years,
            note=asset.note,
            documents=[WorkDocument.of(document) for document in asset.documents],
            changed_by=asset.changed_by,
            changed_at=to_rfc3339(asset.changed_at) or "",
        )


class AssetPage(Model):
    """Some assets, those entered last first, and where to go on."""

    items: list[Asset]
    next: str | None


@router.get("/fire-tests", responses=responses(400, 422, 503))
async def list_fire_tests(
    services: Services, plan: Asked = None, limit: Limit = 50, cursor: Cursor = None
) -> FireTestPage:
    """Fire tests that are due, and those that were made."""
    page = await services.maintenance.view.fire_tests(RecordFilter(sort=plan), limit, cursors.place_of(cursor))
    texts = {each.name: Text(zh=each.text_zh, en=each.text_en) for each in services.maintenance.book.fire_tests}
    due = await services.maintenance.planning.fire_tests()
    return FireTestPage(
        due=[MaintenanceTask.of(task, texts[task.plan], services.site) for task in due if plan in {None, task.plan}],
        items=[FireTest.of(test, services) for test in page.items],
        next=cursors.cursor_of(page.next_place),
    )


@router.post("/fire-tests", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def record_fire_test(services: Services, who: Who, body: NewFireTest) -> FireTest:
    """Enter a test under the next number of the day."""
    await who.require(Permission.MAINTAIN)
    event = FireTestRecorded(
        test="",
        plan=body.plan,
        due="" if body.due is None else body.due.isoformat(),
        tested_on=body.tested_on.isoformat(),
        tester=body.tester,
        results=[result.model_dump() for result in body.results],
        by=who.name,
        at=services.clock.now(),
        comment=body.comment,
        documents=as_values(await attached(services, body.documents)),
    )
    return FireTest.of(await services.maintenance.registers.record_test(event), services)


@router.post("/fire-tests/{test}/filing", responses=responses(404, 409, 415, 422, 503))
async def file_fire_test(services: Services, who: Who, test: str, body: FireTestFiling) -> FireTest:
    """Say that the report of a test was filed; 409 when it was before."""
    await who.require(Permission.MAINTAIN)
    documents = as_values(await attached(services, body.documents))
    event = FireTestFiled(body.filed_on.isoformat(), body.number, who.name, services.clock.now(), documents)
    return FireTest.of(await services.maintenance.registers.file_test(test, event), services)


@router.get("/assets", responses=responses(400, 422, 503))
async def list_assets(
    services: Services,
    asset_class: Annotated[str | None, Query(alias="class", max_length=200, pattern=NO_NUL)] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> AssetPage:
    """Assets of the register."""
    page = await services.maintenance.view.assets(RecordFilter(sort=asset_class), limit, cursors.place_of(cursor))
    return AssetPage(items=[Asset.of(asset) for asset in page.items], next=cursors.cursor_of(page.next_place))


@router.get("/assets/{tag}", responses=responses(404, 422, 503))
async def get_asset(services: Services, tag: Tag) -> Asset:
    """One asset, and the units that stood there before."""
    return Asset.of(await services.maintenance.registers.asset(tag))


@router.put("/assets/{tag}", responses=responses(404, 409, 415, 422, 503))
async def record_asset(services: Services, who: Who, tag: Tag, body: NewAsset) -> Asset:
    """Say what is known of an asset."""
    await check_place(who, tag if tag in services.site.equipment else "", body.place)
    event = AssetRecorded(
        tag=tag,
        asset_class=body.asset_class,
        place=body.place,
        text_zh=body.text_zh,
        text_en=body.text_en or body.text_zh,
        serial=body.serial,
        maker=body.maker,
        model=body.model,
        installed="" if body.installed is None else body.installed.isoformat(),
        warranty_until="" if body.warranty_until is None else body.warranty_until.isoformat(),
        life_years=body.life_years,
        by=who.name,
        at=services.clock.now(),
        note=body.note,
        documents=as_values(await attached(services, body.documents)),
    )
    return Asset.of(await services.maintenance.registers.record_asset(event))


@router.post("/assets/{tag}/exchanges", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def exchange_asset(services: Services, who: Who, tag: Tag, body: NewAssetExchange) -> Asset:
    """Say that an asset was exchanged; its counters begin anew from the readings that are told."""
    found = await services.maintenance.registers.asset(tag)
    await check_place(who, tag if tag in services.site.equipment else "", found.place)
    event = AssetExchanged(
        serial=body.serial,
        maker=body.maker,
        model=body.model,
        installed="" if body.installed is None else body.installed.isoformat(),
        warranty_until="" if body.warranty_until is None else body.warranty_until.isoformat(),
        reason=body.reason,
        by=who.name,
        at=services.clock.now() if body.at is None else to_us(body.at),
        counters=[step.model_dump() for step in body.counters],
        order=body.order,
    )
    return Asset.of(await services.maintenance.registers.exchange_asset(tag, event))


def _fields(result: fire_tests.FireResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in FireTestResult.model_fields}
