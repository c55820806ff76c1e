"""Shapes of preventive plans, of what is due, and of the figures of maintenance."""

from pydantic import Field

from cityhall_bms.api.maintenance_models import WorkCheck
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.maintenance import book, figures, plans
from cityhall_bms.domain.maintenance.cycles import CycleUnit
from cityhall_bms.domain.maintenance.patrol import Category
from cityhall_bms.domain.maintenance.plans import TaskState
from cityhall_bms.domain.site import Site


class MaintenancePlan(Model):
    """One preventive plan."""

    plan: str = Field(examples=["ahu_filter"])
    text: Text
    equipment: list[str]
    every: CycleUnit | None = Field(description="Null: by running hours.")
    times: int | None
    first: str | None = Field(examples=["2026-01-31"])
    run_hours: float | None
    sop: str
    basis: str
    checks: list[WorkCheck]
    since: Time | None = Field(description="When it was seen first: windows that were over before do not count.")

    @classmethod
    def of(cls, plan: book.Plan, since: int | None) -> "MaintenancePlan":
        """Give the answer's form."""
        cycle = plan.cycle
        return cls(
            plan=plan.name,
            text=Text(zh=plan.text_zh, en=plan.text_en),
            equipment=list(plan.equipment),
            every=None if cycle is None else cycle.every,
            times=None if cycle is None else cycle.times,
            first=None if cycle is None else cycle.first.isoformat(),
            run_hours=plan.run_hours,
            sop=plan.sop,
            basis=plan.basis,
            checks=[WorkCheck.of(check) for check in plan.checks],
            since=to_rfc3339(since),
        )


class MaintenancePlanList(Model):
    """All plans."""

    items: list[MaintenancePlan]


class MaintenanceTask(Model):
    """One plan on one piece of equipment as it stands now."""

    plan: str
    text: Text
    equipment: str | None
    equipment_text: Text | None
    state: TaskState
    due: str | None = Field(examples=["2026-07-31"])
    opens: str | None = Field(description="First day on which it is on time.")
    closes: str | None = Field(description="Last such day.")
    hours: float | None = Field(description="Running hours since the last time; null: by the calendar, or unknown.")
    hours_due: float | None
    last_done: str | None = Field(description="Day.")
    order: str | None = Field(description="WorkOrder under which it is being done.")

    @classmethod
    def of(cls, task: plans.Task, text: Text, site: Site) -> "MaintenanceTask":
        """Give the answer's form."""
        found = site.equipment.get(task.equipment)
        return cls(
            plan=task.plan,
            text=text,
            equipment=task.equipment or None,
            equipment_text=None if found is None else Text.of(found.text),
            state=task.state,
            due=None if task.due is None else task.due.isoformat(),
            opens=None if task.opens is None else task.opens.isoformat(),
            closes=None if task.closes is None else task.closes.isoformat(),
            hours=task.hours,
            hours_due=task.hours_due,
            last_done=None if task.last is None else task.last.day.isoformat(),
            order=task.order or None,
        )


class Punctual(Model):
    """Windows that ended in the period: how many, and in how many the work was done, and done in time."""

    due: int
    done: int
    on_time: int
    share: float | None = Field(description="Done on time / due, 0 to 1; null where nothing was due.", examples=[0.97])

    @classmethod
    def of(cls, found: plans.Punctuality) -> "Punctual":
        """Give the answer's form."""
        return cls(due=found.due, done=found.done, on_time=found.on_time, share=found.share)


class FindingCount(Model):
    """Findings of one category."""

    found: int
    closed: int
    overdue: int


class MaintenanceFigures(Model):
    """Figures of a period."""

    preventive: Punctual
    plans: dict[str, Punctual]
    urgent: int = Field(description="Repairs of priority 1 and 2 that are held to the arrival.", examples=[59])
    late: int = Field(examples=[8])
    in_time: float | None = Field(description="(n − late)/n, 0 to 1; null where there were none.", examples=[0.8644])
    in_time_target: float = Field(examples=[0.87])
    rounds: int
    findings: dict[Category, FindingCount]

    @classmethod
    def of(cls, found: figures.MaintenanceFigures, rules: book.WorkRules) -> "MaintenanceFigures":
        """Give the answer's form."""
        return cls(
            preventive=Punctual.of(found.preventive),
            plans={name: Punctual.of(each) for name, each in found.plans.items()},
            urgent=found.arrivals.n,
            late=found.arrivals.late,
            in_time=found.arrivals.share,
            in_time_target=rules.arrive_target,
            rounds=found.rounds,
            findings={
                category: FindingCount(found=each.found, closed=each.closed, overdue=each.overdue)
                for category, each in found.findings.items()
            },
        )


class MaintenanceTaskList(Model):
    """Tasks, the most urgent first; ``counts`` are of all of them."""

    items: list[MaintenanceTask]
    counts: dict[TaskState, int]
