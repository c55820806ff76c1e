"""Texts of what the alarm feed tells, made once for all consoles."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from cityhall_bms.api import models
from cityhall_bms.api.alarm_figures import describe_flood_event
from cityhall_bms.api.feed import News, Placed
from cityhall_bms.api.figure_models import FeedTransition
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarm_hints import hint


@dataclass(frozen=True, slots=True)
class Texts:
    """One transition as each kind of stream sends it."""

    json: bytes
    event: bytes


_TEXTS: Final[MutableMapping[Placed, Texts]] = WeakKeyDictionary()
"""By transition; gone when no console and no memory holds the transition any more."""


def texts_of(placed: Placed) -> Texts:
    """Give a transition's texts, made for the first console that asks."""
    texts = _TEXTS.get(placed)
    if texts is None:
        json = _describe(placed).model_dump_json().encode()
        texts = _TEXTS[placed] = Texts(json, _event("alarm", json, placed.transition.position))
    return texts


def _describe(placed: Placed) -> FeedTransition:
    transition = placed.transition
    shown = hint(transition.before, transition.alarm)
    return FeedTransition(
        position=transition.position,
        at=to_rfc3339(transition.recorded_at) or "",
        type=transition.type,
        actor=transition.actor,
        alarm=models.Alarm.of(transition.alarm, transition.recorded_at),
        group=placed.group,
        first_up=placed.first_up,
        changes=placed.changes,
        sound=shown.sound,
        colour=shown.colour,
        shape=shown.shape,
    )


def events_of(news: News) -> bytes:
    """Give news as server-sent events; an ``alarm`` and a ``position`` carry where they stand as their id."""
    texts = [texts_of(placed).event for placed in news.transitions]
    if news.flood is not None:
        texts.insert(0, _event("flood", describe_flood_event(news.flood).model_dump_json().encode()))
    if not news.transitions or news.transitions[-1].transition.position != news.position:
        text = b'{"position":%d,"at":"%s"}' % (news.position, _time(news))
        texts.append(_event("position", text, news.position))
    return b"".join(texts)


def message_of(news: News) -> bytes:
    """Give news as one message of a socket."""
    flood = b"null" if news.flood is None else describe_flood_event(news.flood).model_dump_json().encode()
    return b'{"kind":"news","position":%d,"at":"%s","flood":%s,"transitions":[%s]}' % (
        news.position,
        _time(news),
        flood,
        b",".join([texts_of(placed).json for placed in news.transitions]),
    )


def _event(kind: str, data: bytes, position: int | None = None) -> bytes:
    place = b"" if position is None else b"id: %d\n" % position
    return b"event: %s\ndata: %s\n%s\n" % (kind.encode(), data, place)


def _time(news: News) -> bytes:
    return (to_rfc3339(news.at) or "").encode()
