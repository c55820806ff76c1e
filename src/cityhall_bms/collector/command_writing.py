"""One write to one device, and the proof that it holds: what was done is told, whatever happens.

A write is made once. After a silence nobody knows whether it arrived: the device is asked what it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from cityhall_bms.collector.collector import Collector
from cityhall_bms.collector.poller import Poller
from cityhall_bms.domain.commanding.arbitration import is_same
from cityhall_bms.domain.commanding.refusals import joined
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import (
    CityHallError,
    DeviceRefusedError,
    DeviceUnreachableError,
)
from cityhall_bms.domain.quality import UNCERTAIN_FROM, Quality
from cityhall_bms.ports.capabilities import PriorityDriver, WritableDriver
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, Driver

LOOK_AGAIN_S: Final = 1.0
REASON_CHARACTERS_MAX: Final = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written: a value (none: NULL) at a priority, proved within ``within_s``."""

    target: CommandTarget
    value: float | None
    priority: int
    within_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. ``code`` is empty when the order holds; ``in_effect`` when no higher priority is before it."""

    held: float | None = None
    holder: int | None = None
    in_effect: bool = True
    code: str = ""
    reason: str = ""
    taken: bool = True
    """Whether the device may have taken the write."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a point holds, as it was read back; ``slots`` of devices with a priority array, in use."""

    value: float | None
    quality: Quality
    slots: Mapping[int, float]

    @property
    def holder(self) -> int | None:
        """Highest priority in use."""
        return min(self.slots, default=None)


async def carry_out(poller: Poller, order: Order, clock: Clock) -> Outcome:
    """Write once, and read back until the order holds or its time is over."""
    deadline_s = clock.monotonic() + order.within_s
    doubt = ""
    try:
        back = await _write(poller, order)
    except DeviceUnreachableError as error:
        doubt = joined("寫入未獲回應 / no answer to the write", str(error))
    except DeviceRefusedError as refusal:
        return Outcome(code="device-refused", reason=_words(refusal), taken=False)
    except CityHallError as error:
        return Outcome(code="driver", reason=_words(error), taken=False)
    except Exception as error:
        log.exception("driver failed to write", point=order.target.point.name)
        return Outcome(code="driver", reason=_words(error))
    else:
        if back is not None:
            return back
    return await prove(poller, order, clock, deadline_s, doubt)


async def _write(poller: Poller, order: Order) -> Outcome | None:
    """Write; gives how it went where nothing can be read back, as with a method."""
    async with poller.turn("commanding") as driver:
        if not isinstance(driver, WritableDriver):
            reason = "此協定不支援寫入 / this protocol cannot write"
            return Outcome(code="not-writable", reason=reason, taken=False)
        back = await driver.write(order.target, order.value, order.priority)
        return None if len(driver.plan([_bound(order)]).points) else Outcome(back.value, back.priority)


async def prove(poller: Poller, order: Order, clock: Clock, deadline_s: float, doubt: str = "") -> Outcome:
    """Read back until the order holds, or ``deadline_s`` of the monotonic clock; ``doubt`` is why that is not sure."""
    while True:
        outcome = await _compare(poller, order)
        rest_s = deadline_s - clock.monotonic()
        if not outcome.code or rest_s <= 0:
            break
        await clock.sleep(min(LOOK_AGAIN_S, rest_s))
    if outcome.code and doubt:
        return Outcome(outcome.held, outcome.holder, code=outcome.code, reason=_cut(joined(doubt, outcome.reason)))
    return outcome


async def look(poller: Poller, target: CommandTarget) -> Held:
    """Read one point, and its priority array where its device keeps one; ``DeviceUnreachableError``."""
    bound = BoundPoint(target.point_id, target.point)
    async with poller.turn("reading back") as driver:
        slots = await driver.priorities(bound) if isinstance(driver, PriorityDriver) else {}
        value, quality = await _present(driver, bound)
    return Held(value, quality, slots)


async def keeps_priorities(poller: Poller) -> bool:
    """Whether the device keeps a priority array of its own; ``DeviceUnreachableError`` while it is not there."""
    async with poller.turn("asking") as driver:
        return isinstance(driver, PriorityDriver)


async def array_of(collector: Collector, point: str) -> Mapping[int, float] | None:
    """Priority array that the device of a point keeps; none where it keeps none, ``KeyError`` for one not here."""
    described = collector.site.points[point]
    poller = collector.poller(described.device)
    if poller is None:
        raise KeyError(point)
    async with poller.turn("asking for priorities") as driver:
        if not isinstance(driver, PriorityDriver):
            return None
        return await driver.priorities(BoundPoint(collector.ids[point], described))


async def _compare(poller: Poller, order: Order) -> Outcome:
    try:
        held = await look(poller, order.target)
    except DeviceUnreachableError as error:
        return Outcome(code="silent", reason=_words(error))
    except Exception as error:  # noqa: BLE001 - whatever fails here, what was written is to be told
        return Outcome(code="driver", reason=_words(error))
    return judge(held, order)


def judge(held: Held, order: Order) -> Outcome:
    """Hold what was read back against the order."""
    if order.value is None:
        if order.priority in held.slots:
            reason = f"優先權 {order.priority} 仍被佔用 / priority {order.priority} is still in use"
            return Outcome(held.value, held.holder, code="differs", reason=reason)
        return Outcome(held.value, held.holder)
    scale = order.target.point.encoding.scale
    mine = held.slots.get(order.priority) if held.slots else held.value
    in_effect = not held.slots or held.holder == order.priority
    if mine is not None and is_same(mine, order.value, scale) and not in_effect:
        return Outcome(held.value, held.holder, in_effect=False)
    if not is_same(held.value, order.value, scale):
        shown = "—" if held.value is None else f"{held.value:g}"
        reason = f"寫入 {order.value:g}，讀回 {shown} / {order.value:g} was written, {shown} is read back"
        return Outcome(held.value, held.holder, code="differs", reason=reason)
    if held.quality >= UNCERTAIN_FROM and held.quality is not Quality.UNCERTAIN_OVERRIDDEN:
        why = held.quality.reason or held.quality.severity
        return Outcome(held.value, held.holder, code="quality", reason=f"讀回品質不良 / it is read back as {why}")
    return Outcome(held.value, held.holder)


async def _present(driver: Driver, bound: BoundPoint) -> tuple[float | None, Quality]:
    readings = await driver.read(driver.plan([bound]))
    if not len(readings):
        return None, Quality.BAD_NO_DATA
    value, quality = float(readings.value[0]), Quality(int(readings.quality[0]))
    return (None if value != value else value), quality  # noqa: PLR0124 - NaN


def _bound(order: Order) -> BoundPoint:
    return BoundPoint(order.target.point_id, order.target.point)


def _words(error: Exception) -> str:
    return _cut(str(error) or type(error).__name__)


def _cut(text: str) -> str:
    """Text that an event can hold: a device may put anything into its answer."""
    return text[:REASON_CHARACTERS_MAX].replace("\x00", "").encode(errors="replace").decode()
