"""Was the duty engineer reached, when, by which channel, and who acknowledged?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.support.api_rig import TRIP, ApiRig
from tests.support.notification_plans import PLAN

from cityhall_bms.domain.notifications import (
    NotificationAttempted,
    NotificationEvent,
    NotificationFailed,
    NotificationQueued,
    NotificationSent,
    stream_of,
)
from cityhall_bms.ports.event_log import Append

QUEUED = NotificationQueued(
    notification="7-wang-wang_line", occasion="raised", person="wang", channel="wang_line", priority=2,
    title="【P2 高】冰水主機跳脫", text="冰水主機跳脫", at=1_782_864_000_000_000, alarm=TRIP, occurrence=1, group="duty", cause=7,
)  # fmt: skip
S = 1_000_000


async def poll(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so: views follow the log a moment later."""
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.02)


async def test_one_question_answers_who_was_reached_when_and_who_answered(rig: ApiRig) -> None:
    await rig.raise_alarm()
    at = QUEUED.at
    await rig.events.append(
        [
            Append(
                stream_of(QUEUED.notification),
                [
                    QUEUED,
                    NotificationAttempted(1, at + S),
                    NotificationFailed(1, at + 2 * S, "the channel cannot be reached", at + 7 * S),
                    NotificationAttempted(2, at + 7 * S),
                    NotificationSent(2, at + 8 * S),
                ],
                "notifications",
            )
        ]
    )
    await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={})

    async def answered() -> bool:
        items = (await rig.client.get("/api/v1/notifications", params={"alarm": TRIP})).json()["items"]
        return bool(items and items[0]["acknowledged_at"])

    await poll(answered)
    (item,) = (await rig.client.get("/api/v1/notifications", params={"alarm": TRIP})).json()["items"]

    assert item["state"] == "sent"
    assert (item["person"], item["channel"], item["group"], item["attempts"]) == ("wang", "wang_line", "duty", 2)
    assert (item["queued_at"], item["ended_at"]) == ("2026-07-01T00:00:00.000Z", "2026-07-01T00:00:08.000Z")
    assert item["acknowledged_by"] == "王小明"
    assert (item["next_attempt_at"], item["may_have_arrived_twice"]) == (None, False)


async def test_pages_are_chosen_by_person_and_state_and_go_on_by_cursor(rig: ApiRig) -> None:
    for number in range(5):
        name = f"{number}-wang-wang_line"
        events: list[NotificationEvent] = [replace(QUEUED, notification=name)]
        if number % 2:
            events += [NotificationAttempted(1, QUEUED.at)]
        await rig.events.append([Append(stream_of(name), events, "notifications")])

    async def all_there() -> bool:
        return len((await rig.client.get("/api/v1/notifications")).json()["items"]) == 5

    await poll(all_there)
    first = (await rig.client.get("/api/v1/notifications", params={"limit": 3, "person": "wang"})).json()
    second = (await rig.client.get("/api/v1/notifications", params={"limit": 3, "cursor": first["next"]})).json()
    sending = (await rig.client.get("/api/v1/notifications", params={"state": "sending"})).json()

    ids = [item["id"][0] for item in (*first["items"], *second["items"])]
    assert ids == ["4", "3", "2", "1", "0"]
    assert second["next"] is None
    assert [item["id"][0] for item in sending["items"]] == ["3", "1"]
    assert (await rig.client.get("/api/v1/notifications", params={"person": "li"})).json()["items"] == []


async def test_a_test_is_queued_for_every_channel(rig: ApiRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig.services.notification_desk, "_site", replace(rig.services.site, notifications=PLAN))

    answer = await rig.client.post("/api/v1/notifications/test", json={"person": "wang"})

    assert answer.status_code == 202
    names = answer.json()["notifications"]
    assert [name.rsplit("-", 1)[1] for name in names] == ["wang_line", "wang_mail"]
    (entry,) = await rig.events.read(0, 10, stream_of(names[0]))
    assert (entry.payload["occasion"], entry.actor) == ("test", "王小明")


@pytest.mark.parametrize(
    ("method", "address", "body", "status"),
    [
        ("POST", "test", {"person": "nobody"}, 404),
        ("POST", "test", {"person": "wang", "by": "somebody else"}, 422),
        ("GET", "?cursor=nonsense", None, 400),
        ("GET", "?state=lost", None, 422),
    ],
)
async def test_what_makes_no_sense_is_refused_with_a_reason(
    rig: ApiRig, method: str, address: str, body: dict[str, str] | None, status: int
) -> None:
    path = f"/api/v1/notifications{'/' if method == 'POST' else ''}{address}"
    answer = await rig.client.request(method, path, json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
