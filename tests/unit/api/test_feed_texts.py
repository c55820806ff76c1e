"""What consoles are sent: the same text over both kinds of stream, made once."""

import gc
import json
from typing import Final

from cityhall_bms.api import feed_texts
from cityhall_bms.api.feed import News, Placed
from cityhall_bms.api.feed_texts import events_of, message_of, texts_of
from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.read_models import AlarmTransition

AT: Final = 1_795_260_165_228_000
RINGING: Final = Alarm("A1~X", text_zh="跳脫", base=AlarmState.UNACKNOWLEDGED, raised_at=AT, waiting_since=AT)


def placed(position: int) -> Placed:
    return Placed(AlarmTransition(position, AT, "AlarmRaised", "rules", RINGING), "X", True, 0)


def test_both_streams_say_the_same_of_a_transition() -> None:
    news = News([placed(7), placed(9)], None, 9, AT)

    message = json.loads(message_of(news))
    first, second, rest = events_of(news).decode().split("\n\n")

    assert message["kind"] == "news"
    assert (message["position"], message["flood"]) == (9, None)
    assert first == f"event: alarm\ndata: {texts_of(news.transitions[0]).json.decode()}\nid: 7"
    assert json.loads(second.split("\n")[1].removeprefix("data: ")) == message["transitions"][1]
    assert rest == ""


def test_where_a_console_stands_is_marked_when_its_last_transition_does_not_say_it() -> None:
    nothing = events_of(News([], None, 12, AT)).decode()
    passed_over = events_of(News([placed(7)], None, 12, AT)).decode()

    mark = 'event: position\ndata: {"position":12,"at":"2026-11-21T11:22:45.228Z"}\nid: 12\n\n'
    assert nothing == mark
    assert passed_over.endswith("id: 7\n\n" + mark)


def test_a_flood_is_told_before_what_it_is_about_and_has_no_id() -> None:
    payload = {"at": AT, "first_ring": AT, "count": 11}
    flood = StoredEvent(8, AT, "alarm-floods", 1, "AlarmFloodBegan", "floods", payload, b"", b"")
    news = News([placed(9)], flood, 9, AT)

    told = events_of(news).decode().split("\n\n")[0]

    assert told == 'event: flood\ndata: {"on":true,"at":"2026-11-21T11:22:45.228Z","count":11}'
    assert json.loads(message_of(news))["flood"]["on"] is True


def test_a_text_is_made_once_and_goes_with_its_transition() -> None:
    told = placed(7)
    assert texts_of(told) is texts_of(told)
    kept = len(feed_texts._TEXTS)

    del told
    gc.collect()

    assert len(feed_texts._TEXTS) == kept - 1
