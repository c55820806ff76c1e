"""A small site with people who are told of alarms, and a notifier that a test can make fail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from cityhall_bms.domain.calendars import Schedule, Schedules, parse_period
from cityhall_bms.domain.notifications import (
    Channel,
    Delivery,
    Duty,
    Group,
    NotificationPlan,
    Outcome,
    Person,
    Quiet,
    Route,
)
from cityhall_bms.domain.site import Equipment, Place, Site, System, Text

AHU = "TCH.05F.W.AHU01"
SCHEDULES = Schedules(
    "Asia/Taipei",
    (),
    (
        Schedule("day", {"every_day": (parse_period("08:00-20:00"),)}),
        Schedule("night", {"every_day": (parse_period("20:00-08:00"),)}),
        Schedule("never", {"every_day": ()}),
    ),
)
PLAN = NotificationPlan(
    channels={name: Channel(name) for name in ("wang_line", "wang_mail", "li_line", "chief_line")}
    | {"li_sms": Channel("li_sms", (1,))},
    people={
        "wang": Person("wang", "王", ("wang_line", "wang_mail")),
        "li": Person("li", "李", ("li_line", "li_sms")),
        "chief": Person("chief", "主任", ("chief_line",)),
    },
    groups={
        "duty": Group("duty", "值班", (), (Duty("day", ("wang",)), Duty("night", ("li",)))),
        "chiefs": Group("chiefs", "主管", ("chief",)),
    },
    routes=(Route("duty", (1, 2), returned=True), Route("chiefs", (1,), level=1), Route("chiefs", (2,), level=2)),
)


def site(plan: NotificationPlan = PLAN) -> Site:
    ahu = Equipment(AHU, "Air_Handling_Unit", System.HVAC, Text("五樓空調箱", "Air handling unit 5F"))
    floors, zones = (Place("05F", Text("五樓", "5th floor")),), (Place("W", Text("西", "West")),)
    return Site(
        "TCH", Text("市政大樓", "City hall"), "Asia/Taipei", True, floors, zones, {AHU: ahu}, {}, {}, SCHEDULES, plan
    )


def quiet(plan: NotificationPlan, schedule: str = "night", priorities: tuple[int, ...] = (2,)) -> NotificationPlan:
    return replace(plan, quiet=(Quiet(schedule, priorities),))


@dataclass
class ToldNotifier:
    """Takes what it is given, unless a test told it otherwise for the next attempts."""

    outcomes: list[Delivery] = field(default_factory=list)
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)

    @property
    def channels(self) -> Collection[str]:
        return PLAN.channels.keys()

    async def send(self, channel: str, title: str, text: str, attachments: Sequence[str] = ()) -> Delivery:
        self.sent.append((channel, title, text))
        self.attached += attachments
        return self.outcomes.pop(0) if self.outcomes else Delivery(Outcome.ACCEPTED)
