"""The registers of fire tests and assets, as people keep them."""

from dataclasses import asdict
from datetime import date
from zoneinfo import ZoneInfo

from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.maintenance.assets import (
    Asset,
    AssetExchanged,
    AssetRecorded,
    asset_stream,
    exchange_asset,
    fold_asset,
)
from cityhall_bms.domain.maintenance.fire_tests import (
    FIRE_TEST_STREAMS,
    FireTest,
    FireTestFiled,
    FireTestRecorded,
    file_fire_test,
    fire_test_stream,
    fold_fire_test,
    record_fire_test,
)
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import local_day
from cityhall_bms.maintenance.streams import Numbering, read_record
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import MeterDesk
from cityhall_bms.ports.event_log import Append, EventLog


class RegisterOffice:
    """See :class:`~cityhall_bms.ports.maintenance.RegisterDesk`."""

    def __init__(self, site: Site, meters: MeterDesk, events: EventLog, clock: Clock, *, number: Numbering) -> None:
        self._site = site
        self._book = site.maintenance
        self._zone = ZoneInfo(site.time_zone)
        self._meters = meters
        self._events = events
        self._clock = clock
        self._number = number

    async def record_test(self, event: FireTestRecorded) -> FireTest:
        """Enter a test under the next number of the day."""
        self._book.fire_test(event.plan)
        record_fire_test(event, self._today())

        def named(name: str) -> Event:
            return FireTestRecorded(**(asdict(event) | {"test": name}))

        entry = await self._number(self._events, FIRE_TEST_STREAMS, self._today(), event.by, named)
        test = fold_fire_test(None, entry)
        assert test is not None  # noqa: S101 - it was just recorded
        return test

    async def file_test(self, test: str, event: FireTestFiled) -> FireTest:
        """Say that its report was filed."""
        missing = f"沒有測試 {test} / no fire test is named {test}"
        found = await read_record(self._events, fire_test_stream(test), fold_fire_test, missing)
        file_fire_test(found, event, self._today())
        [entry] = await self._events.append([Append(fire_test_stream(test), [event], event.by, found.version)])
        filed = fold_fire_test(found, entry)
        assert filed is not None  # noqa: S101 - it was there before
        return filed

    async def asset(self, tag: str) -> Asset:
        """Give one asset."""
        missing = f"沒有財產 {tag} / no asset is tagged {tag}; GET /api/v1/maintenance/assets lists them"
        return await read_record(self._events, asset_stream(tag), fold_asset, missing)

    async def record_asset(self, event: AssetRecorded) -> Asset:
        """Say what is known of an asset; equipment has its class, place and texts from the site folder."""
        found = self._site.equipment.get(event.tag)
        if found is not None:
            floor, zone = found.name.split(".")[1:3]
            own = {"asset_class": found.brick_class, "place": f"{floor}.{zone}"}
            own |= {"text_zh": found.text.zh, "text_en": found.text.en}
            event = AssetRecorded(**(asdict(event) | own))
        elif not (event.asset_class and event.text_zh):
            msg = "非案場設備須填類別與名稱 / what is no equipment of the site needs a class and a text"
            raise RefusedError(msg)
        version = await self._version(event.tag)
        await self._events.append([Append(asset_stream(event.tag), [event], event.by, version)])
        return await self.asset(event.tag)

    async def exchange_asset(self, tag: str, event: AssetExchanged) -> Asset:
        """Say that it was exchanged; its counters are told first, for what was said twice there changes nothing."""
        asset = await self.asset(tag)
        exchange_asset(asset, event)
        for counter in event.counters:
            point = self._site.points.get(counter["point"])
            if point is None or point.equipment != tag:
                msg = f"{tag} 沒有點位 {counter['point']} / {tag} has no point {counter['point']}"
                raise NotFoundError(msg)
        for counter in event.counters:
            await self._meters.exchange(
                counter["point"],
                at=event.at,
                last_old=counter["last_old"],
                first_new=counter["first_new"],
                reason=event.reason,
                by=event.by,
            )
        await self._events.append([Append(asset_stream(tag), [event], event.by, asset.version)])
        return await self.asset(tag)

    async def _version(self, tag: str) -> int:
        try:
            return (await self.asset(tag)).version
        except NotFoundError:
            return 0

    def _today(self) -> date:
        return local_day(self._zone, self._clock.now())
