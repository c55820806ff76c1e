"""What the page for operators shows is what the service takes, and what it does by itself."""

import json
import re

import pytest
from pydantic import BaseModel
from tests.support.interface import DOCUMENT
from tests.support.pages import table, text_of

from cityhall_bms.api import alarm_desk, hand_over, permits
from cityhall_bms.domain.follow_up import ACKNOWLEDGE_WITHIN_S, ON_SITE_WITHIN_S
from cityhall_bms.settings import Settings

PAGE = text_of("how-to/run-a-shift.md")
SENT = re.findall(r"-X POST \$B(\S+) -H 'Content-Type: application/json' -d '([^']+)'", PAGE)
BODIES: dict[str, type[BaseModel]] = {
    "acknowledge": alarm_desk.Acknowledgement,
    "acknowledgements": alarm_desk.Acknowledgements,
    "comments": alarm_desk.Comment,
    "shelve": alarm_desk.Shelf,
    "out-of-service": alarm_desk.OutOfService,
    "permits": permits.NewPermit,
    "closure": permits.Closure,
    "hand-overs": hand_over.NewHandOver,
    "signature": hand_over.Signature,
}


@pytest.mark.parametrize(("path", "body"), SENT, ids=[path for path, _ in SENT])
def test_what_is_sent_on_the_page_is_taken(path: str, body: str) -> None:
    BODIES[path.rsplit("/", 1)[-1]].model_validate(json.loads(body))


def test_the_page_shows_how_everything_is_done() -> None:
    assert {path.rsplit("/", 1)[-1] for path, _ in SENT} == set(BODIES)
    wordless = set(re.findall(r"-X POST \$B/alarms/\$A/(\S+)$", PAGE, re.MULTILINE))
    assert wordless == {"reset", "unshelve", "return-to-service"}


def spoken(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds > length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def test_the_page_names_the_times_in_which_people_are_to_act() -> None:
    rows = table(PAGE, "Priority")
    assert [row[1:] for row in rows] == [
        [spoken(ACKNOWLEDGE_WITHIN_S[priority]), spoken(ON_SITE_WITHIN_S[priority])] for priority in (1, 2, 3, 4)
    ]


def test_the_page_names_what_happens_by_itself_and_when() -> None:
    handling = Settings().alarms.handling
    climbs, rings, _ = table(PAGE, "What")
    assert handling.escalate_s == ((60, 180, 300), (600,), (), ())
    assert "1 after 1, 3 and 5 min, priority 2 after 10 min" in climbs[1]
    assert handling.realarm_s == (900, 3_600, 28_800, 0)
    assert "1 after 15 min, 2 after 1 h, 3 after 8 h, 4 never" in rings[1]


def test_the_page_names_every_filter_of_the_search() -> None:
    parameters = DOCUMENT["paths"]["/api/v1/alarms/history"]["get"]["parameters"]
    named = {name for row in table(PAGE, "Filter") for name in row[0].split(", ")}
    assert named == {item["name"] for item in parameters} - {"limit", "cursor"}
