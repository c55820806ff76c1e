"""Signing in as a state machine: whatever anybody does in whatever order, only who may gets in, and all is on record."""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.manual_clock import ManualClock
from tests.support.memory_credentials import MemoryCredentials, QuickHasher

from cityhall_bms.access.book import AccountBook
from cityhall_bms.access.desk import AccountOffice, Base
from cityhall_bms.access.doors import Porter, RoleAuthority
from cityhall_bms.access.sign_ins import Reception
from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.access.accounts import Account
from cityhall_bms.domain.access.rules import AccessRules
from cityhall_bms.domain.errors import NotSignedInError, RefusedError
from cityhall_bms.domain.site import Equipment, System, Text
from cityhall_bms.ports.access import Grant, Origin, Permission, Requester, Role

RULES = AccessRules()
PASSWORDS = [
    "冷卻水塔在頂樓很吵",
    "the boiler hums at night",
    "two pumps and a valve",
    "nobody knows the chiller",
    "rain on the roof again",
]
PASSWORDS = [each.ljust(14, "。") for each in PASSWORDS]
HERE = Origin("10.0.0.7", "a browser")
ResultT = TypeVar("ResultT")


class Rig:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.store, self.hasher = MemoryCredentials(), QuickHasher()
        numbers = count()
        base = Base(
            self.log, self.store, self.clock, lambda: f"secret-{next(numbers)}", lambda: f"name-{next(numbers)}"
        )
        self.office = AccountOffice(base, frozenset({"05"}))
        self.reception = Reception(base, self.office, self.hasher, RULES)
        self.porter = Porter(base)
        self.authority = RoleAuthority(AccountBook(self.log))


class SignIns(RuleBasedStateMachine):
    """The model: the password in use and those before, wrong ones in a row, until when it is locked, open sessions."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.rig = Rig()
        self.password: str | None = None
        self.used: list[str] = []
        self.wrong = 0
        self.locked_until = 0
        self.disabled = False
        self.link: tuple[str, int] | None = None
        self.sessions: dict[str, tuple[int, int]] = {}
        self.do(self.rig.office.create("管理者", [Grant(Role.ADMIN)], by="test"))
        self.do(self.rig.office.create("王小明", [Grant(Role.OPERATOR)], by="管理者"))

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()

    def do(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.loop.run_until_complete(work)

    @property
    def now(self) -> int:
        return self.rig.clock.now()

    @rule(minutes=st.sampled_from([1, 10, 16, 120, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.do(self.rig.clock.advance(60.0 * minutes))

    @rule()
    def is_invited(self) -> None:
        if self.disabled:
            with pytest.raises(RefusedError):
                self.do(self.rig.office.invite("王小明", by="管理者"))
        else:
            self.link = (self.do(self.rig.office.invite("王小明", by="管理者")), self.now + 86_400_000_000)

    @rule(password=st.sampled_from(PASSWORDS))
    def uses_the_link(self, password: str) -> None:
        secret, until = self.link or ("none", 0)
        if self.now >= until or self.disabled:
            with pytest.raises(NotSignedInError):
                self.do(self.rig.reception.with_invitation(secret, password, HERE))
        elif password in self.used[-3:]:
            with pytest.raises(RefusedError):
                self.do(self.rig.reception.with_invitation(secret, password, HERE))
        else:
            opened = self.do(self.rig.reception.with_invitation(secret, password, HERE))
            self.link, self.password, self.wrong, self.locked_until = None, password, 0, 0
            self.used.append(password)
            self.sessions[opened.secret] = (self.now, self.now)

    @rule(password=st.sampled_from(PASSWORDS))
    def signs_in(self, password: str) -> None:
        may = self.password == password and not self.disabled and self.now >= self.locked_until
        before = self.rig.hasher.compared
        if may:
            opened = self.do(self.rig.reception.with_password("王小明", password, HERE))
            self.sessions[opened.secret] = (self.now, self.now)
            self.wrong = 0
        else:
            with pytest.raises(NotSignedInError):
                self.do(self.rig.reception.with_password("王小明", password, HERE))
            if self.password is not None and not self.disabled and self.now >= self.locked_until:
                self.wrong += 1
                if self.wrong == RULES.lock.failures_max:
                    self.wrong, self.locked_until = 0, self.now + 900_000_000
        assert self.rig.hasher.compared == before + 1, "whatever is wrong takes the same work"

    @rule()
    def is_unlocked(self) -> None:
        if self.now < self.locked_until:
            self.do(self.rig.office.unlock("王小明", by="管理者"))
            self.locked_until = self.wrong = 0

    @rule()
    def is_disabled_or_enabled(self) -> None:
        if self.disabled:
            self.do(self.rig.office.enable("王小明", by="管理者"))
        else:
            self.do(self.rig.office.disable("王小明", by="管理者", reason="離職"))
            self.sessions, self.link = {}, None
        self.disabled = not self.disabled

    @rule(data=st.data())
    def does_something(self, data: st.DataObject) -> None:
        if self.sessions:
            secret = data.draw(st.sampled_from(sorted(self.sessions)))
            who = self.do(self.rig.porter.by_session(secret))
            if who is not None:
                self.do(self.rig.porter.active(who))
                self.sessions[secret] = (self.sessions[secret][0], self.now)

    @rule(data=st.data())
    def signs_out(self, data: st.DataObject) -> None:
        if self.sessions:
            secret = data.draw(st.sampled_from(sorted(self.sessions)))
            who = self.do(self.rig.porter.by_session(secret))
            if who is not None:
                self.do(self.rig.reception.sign_out(who))
                del self.sessions[secret]

    @invariant()
    def sessions_are_good_until_they_idle_or_end(self) -> None:
        if not hasattr(self, "sessions"):
            return
        for secret, (begun, active) in self.sessions.items():
            good = self.now < active + 900_000_000 and self.now < begun + 12 * 3_600_000_000
            assert (self.do(self.rig.porter.by_session(secret)) is not None) == good

    @invariant()
    def what_is_on_record_is_what_is(self) -> None:
        if hasattr(self, "rig"):
            account = self.do(self.rig.office.get("王小明"))
            assert account.disabled == self.disabled
            assert account.locked(self.now) == (self.now < self.locked_until)


TestSignIns = SignIns.TestCase
TestSignIns.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

AHU = Equipment("TCH.05.W.AHU01", "AHU", System.HVAC, Text("空調箱", "AHU"))


async def test_authority_follows_the_account_and_not_what_is_stated() -> None:
    rig = Rig()
    await rig.office.create("王小明", [Grant(Role.OPERATOR, ("05",))], by="test")
    boss = Requester("王小明", Role.ADMIN)

    assert await rig.authority.refusal(boss, Permission.COMMAND, AHU) is None
    assert await rig.authority.refusal(boss, Permission.APPROVE, AHU) is not None
    assert await rig.authority.refusal(Requester("nobody"), Permission.COMMAND, AHU) is not None
    service = Requester("demand", Role.SERVICE)
    assert await rig.authority.refusal(service, Permission.COMMAND, AHU) is None
    assert await rig.authority.refusal(service, Permission.APPROVE, AHU) is not None


async def test_a_wall_view_stays_signed_in() -> None:
    rig = Rig()
    await rig.office.create("電視牆", [Grant(Role.VIEWER)], by="test", wall=True)
    opened = await rig.reception.with_invitation(await rig.office.invite("電視牆", by="test", enters=True), None, HERE)
    await rig.clock.advance(300 * 86_400.0)

    who = await rig.porter.by_session(opened.secret)
    assert who is not None
    assert who.idle_s is None


async def test_whom_a_provider_vouches_for_has_the_roles_it_tells_and_no_password() -> None:
    rig = Rig()
    await rig.reception.from_provider("ann", [Grant(Role.VIEWER)], "city", HERE)
    again = await rig.reception.from_provider("Ann", [Grant(Role.ENGINEER)], "city", HERE)

    assert again.who.account.grants == (Grant(Role.ENGINEER),)
    with pytest.raises(RefusedError):
        await rig.office.invite("ann", by="test")
    await rig.office.create("王小明", [Grant(Role.VIEWER)], by="test")
    with pytest.raises(NotSignedInError):
        await rig.reception.from_provider("王小明", [Grant(Role.ADMIN)], "city", HERE)


def test_an_account_says_whether_it_is_locked() -> None:
    assert Account("王小明", locked_until=5).locked(4)
    assert not Account("王小明", locked_until=5).locked(5)
