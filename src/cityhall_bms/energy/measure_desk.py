"""The register of energy conservation measures, as people keep it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from cityhall_bms.domain.energy.measures import (
    Definition,
    Measure,
    MeasureMeasured,
    Measurement,
    MeasureMoved,
    MeasureProposed,
    MeasureRevised,
    MeasureStatus,
    check_definition,
    check_measurement,
    check_open,
    fold_measure,
    measure_stream,
    move_measure,
)
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

READ_MAX: Final = 1_000
CHANGES_MAX: Final = 500
"""Changes of one measure; more are a program that runs wild."""


class MeasureOffice:
    """See :class:`~cityhall_bms.ports.measures.MeasureDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._events = events
        self._clock = clock

    async def get(self, measure: str) -> Measure:
        """Measure as the log has it; ``NotFoundError`` when there is none of that name."""
        found: Measure | None = None
        for entry in await self._events.read(limit=READ_MAX, stream=measure_stream(measure)):
            found = fold_measure(found, entry)
        if found is None:
            msg = f"沒有措施 {measure} / no measure is named {measure}; GET /api/v1/energy/measures lists them"
            raise NotFoundError(msg)
        return found

    async def propose(self, measure: str, definition: Definition, *, by: str) -> Measure:
        """Register one."""
        self._check(definition)
        event = MeasureProposed(measure=measure, by=by, at=self._clock.now(), **_words(definition))
        try:
            [entry] = await self._events.append([Append(measure_stream(measure), [event], by, 0)])
        except ConcurrencyError as error:
            msg = f"措施 {measure} 已存在 / a measure named {measure} is there already"
            raise RefusedError(msg) from error
        proposed = fold_measure(None, entry)
        assert proposed is not None  # noqa: S101 - it was just proposed
        return proposed

    async def revise(self, measure: str, definition: Definition, *, by: str) -> Measure:
        """Say anew what it is."""

        def decide(found: Measure) -> Event:
            check_open(found)
            return MeasureRevised(by=by, at=self._clock.now(), **_words(definition))

        self._check(definition)
        return await self._change(measure, by, decide)

    async def move(
        self, measure: str, status: MeasureStatus, *, by: str, start: str = "", comment: str = ""
    ) -> Measure:
        """Bring it to another status."""
        event = MeasureMoved(status.value, by, self._clock.now(), start, comment)
        return await self._change(measure, by, lambda found: move_measure(found, event))

    async def measured(self, measure: str, measurement: Measurement, *, by: str) -> Measure:
        """Record what was measured."""
        check_measurement(measurement)
        event = MeasureMeasured(
            saved=measurement.saved,
            method=measurement.method,
            before_first=measurement.before[0],
            before_until=measurement.before[1],
            after_first=measurement.after[0],
            after_until=measurement.after[1],
            by=by,
            at=self._clock.now(),
            uncertainty=measurement.uncertainty,
            note=measurement.note,
        )

        def decide(found: Measure) -> Event:
            check_open(found)
            return event

        return await self._change(measure, by, decide)

    async def _change(self, measure: str, by: str, decide: Callable[[Measure], Event]) -> Measure:
        found = await self.get(measure)
        if found.version >= CHANGES_MAX:
            msg = f"措施至多 {CHANGES_MAX} 次異動 / a measure is changed {CHANGES_MAX} times at most"
            raise RefusedError(msg)
        [entry] = await self._events.append([Append(measure_stream(measure), [decide(found)], by, found.version)])
        after = fold_measure(found, entry)
        assert after is not None  # noqa: S101 - it was there before
        return after

    def _check(self, definition: Definition) -> None:
        check_definition(definition)
        for name in definition.meters:
            meter = self._site.metering.meter(name)
            if meter.commodity is not definition.commodity:
                msg = f"計量表 {name} 計 {meter.commodity} / meter {name} counts {meter.commodity}"
                raise RefusedError(msg)
        for name in definition.equipment:
            if name not in self._site.equipment:
                msg = f"案場沒有 {name} / the site has no equipment {name}"
                raise NotFoundError(msg)


def _words(definition: Definition) -> dict[str, Any]:
    """Fields of a definition as events have them."""
    words = asdict(definition)
    words |= {"commodity": definition.commodity.value, "option": definition.option.value}
    words |= {"meters": list(definition.meters), "equipment": list(definition.equipment)}
    words["price_ntd"] = "" if definition.price_ntd is None else str(definition.price_ntd)
    return words
