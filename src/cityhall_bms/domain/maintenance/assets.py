"""The asset register: what stands there, since when, under which warranty; and what stood there before."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored
from cityhall_bms.domain.maintenance.documents import Attached, attached_of

ASSET_STREAMS: Final = "asset/"


@stored
@dataclass(frozen=True, slots=True)
class AssetRecorded(Event):
    """What is known of an asset, said anew. ``tag`` is equipment of the site, or a tag of something without points.

    Days are ISO, empty where nobody knows; ``life_years`` is how long it is expected to last.
    """

    tag: str
    asset_class: str
    place: str
    text_zh: str
    text_en: str
    serial: str
    maker: str
    model: str
    installed: str
    warranty_until: str
    life_years: float | None
    by: str
    at: int
    note: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)


@stored
@dataclass(frozen=True, slots=True)
class AssetExchanged(Event):
    """It was exchanged for another one: its points go on under the same names in a new epoch.

    ``counters`` has point, last_old and first_new each, as they were told to the counters' own record.
    """

    serial: str
    maker: str
    model: str
    installed: str
    warranty_until: str
    reason: str
    by: str
    at: int
    counters: list[dict[str, Any]] = field(default_factory=list)
    order: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One physical unit that stands or stood there; ``until`` (µs UTC) is when it was exchanged."""

    serial: str
    maker: str
    model: str
    installed: str
    warranty_until: str
    until: int | None = None
    reason: str = ""
    exchanged_by: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    """One asset as it stands; ``epoch`` counts the units that stood there, from 1."""

    tag: str
    asset_class: str
    place: str
    text_zh: str
    text_en: str
    unit: Unit
    life_years: float | None = None
    note: str = ""
    documents: tuple[Attached, ...] = ()
    earlier: tuple[Unit, ...] = ()
    changed_by: str = ""
    changed_at: int = 0
    version: int = 1
    position: int = 0

    @property
    def epoch(self) -> int:
        """Which unit it is."""
        return len(self.earlier) + 1


def asset_stream(tag: str) -> str:
    """Event stream of one asset."""
    return f"{ASSET_STREAMS}{tag}"


def fold_asset(asset: Asset | None, entry: StoredEvent) -> Asset | None:
    """Asset after one entry of its stream; what cannot follow changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case AssetRecorded():
            documents = (*(asset.documents if asset else ()), *attached_of(event.documents))
            after = Asset(
                tag=event.tag,
                asset_class=event.asset_class,
                place=event.place,
                text_zh=event.text_zh,
                text_en=event.text_en,
                unit=_unit(event),
                life_years=event.life_years,
                note=event.note,
                documents=documents,
                earlier=asset.earlier if asset else (),
            )
        case AssetExchanged() if asset is not None:
            gone = replace(asset.unit, until=event.at, reason=event.reason, exchanged_by=event.by)
            after = replace(asset, unit=_unit(event), earlier=(*asset.earlier, gone))
        case _:
            return asset
    assert isinstance(event, AssetRecorded | AssetExchanged)  # noqa: S101 - the cases above
    return replace(
        after, changed_by=event.by, changed_at=event.at, version=entry.version, position=entry.position
    )  # fmt: skip


def _unit(event: AssetRecorded | AssetExchanged) -> Unit:
    return Unit(event.serial, event.maker, event.model, event.installed, event.warranty_until)


def exchange_asset(asset: Asset, event: AssetExchanged) -> AssetExchanged:
    """Decide an exchange; refused without a reason, and for the serial number that stands there already."""
    if not event.reason.strip():
        msg = "請填更換原因 / say why it was exchanged"
        raise RefusedError(msg)
    if event.serial == asset.unit.serial:
        msg = f"序號 {event.serial} 與現有相同 / serial {event.serial} stands there already"
        raise RefusedError(msg)
    return event
