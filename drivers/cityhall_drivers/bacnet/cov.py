"""What a BACnet device pushes: subscriptions kept alive, notifications taken, and what it does not tell polled beside.

A device forgets its subscriptions when it restarts, and says so at most once: by I-Am or a restart notification. It is
recognised by these, by another database revision or time of restart, and by values that changed without being told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.beside import Beside
from cityhall_drivers.bacnet.codec import DEVICE_TYPE, PRESENT_VALUE, Object, answer_of
from cityhall_drivers.bacnet.config import BacnetConfig
from cityhall_drivers.bacnet.cov_wire import Glance, Notification, cancellation, notification_of, subscription
from cityhall_drivers.bacnet.inbox import Inbox
from cityhall_drivers.bacnet.leases import Leases
from cityhall_drivers.bacnet.peer import FieldPeer
from cityhall_drivers.bacnet.plan import BacnetPlan
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError, is_full, knows_no_cov
from cityhall_drivers.bacnet.rpm import single_question
from cityhall_drivers.bacnet.wire import CONFIRMED_COV, FrameError, simple_ack, unknown_subscription

TICK_S: Final = 1.0
"""The keeper looks up at least so often, for a restart that was noticed meanwhile."""
PROOF_S: Final = 60.0
"""How often the device is asked whether it restarted."""
SUSPECT_S: Final = 5.0
"""How often at most where somebody asks every device who is there, again and again."""
BEGIN_S: Final = 5.0
"""Subscribing may take so long before the rest is left to the keeper."""
END_S: Final = 2.0
"""Unsubscribing may take so long when we leave; what is left ends with its lifetime."""
SIGN_FROM: Final = 0.25
"""Of the lifetime: I-Am is not taken for a restart more often."""
_DATABASE_REVISION, _TIME_OF_RESTART = 155, 203
_NAMES_SHOWN: Final = 20


class Ties(NamedTuple):
    """What a subscription needs of its driver."""

    peer: FieldPeer
    config: BacnetConfig
    clock: Clock
    read: Callable[[BacnetPlan], Awaitable[Readings]]
    size_max: Callable[[], int]


class Subscription:
    """One device's subscriptions from :meth:`begin` to :meth:`end`."""

    def __init__(self, ties: Ties, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> None:
        self.restarts = 0
        self.notifications = 0
        self.silence: str | None = None
        """What was not answered to whoever keeps the subscriptions; none once the device answers again."""
        self._ties = ties
        self._peer, self._clock = ties.peer, ties.clock
        self._process = ties.config.device_instance
        self._device = Object(DEVICE_TYPE, ties.config.device_instance)
        plan = BacnetPlan(points, ties.size_max())
        self._names = {plan.objects[row]: bound.point.name for bound, row in zip(points, plan.row, strict=True)}
        self._glance = Glance(self._process, self._device, plan.objects)
        self._inbox = Inbox(plan, sink)
        self._leases = Leases(plan.objects, ties.config.cov_lifetime_s)
        self._beside = Beside(points, sink, ties.read, ties.size_max)
        self._proof: tuple[bytes, ...] = ()
        self._begun_s = ties.clock.monotonic()
        self._proved_s = self._begun_s
        self._is_suspect = False
        self._keeper: asyncio.Task[None] | None = None

    async def begin(self) -> bool:
        """Subscribe; false when the device tells no changes at all.

        :class:`DeviceUnreachableError` when it falls silent; then nothing was begun.
        """
        self._peer.endpoint.listen(self._peer.station, self._heard)
        self._peer.endpoint.watch(self._device.instance, self._introduced)
        try:
            self._proof = await self._read_proof()
            is_any = await self._subscribe_until(self._clock.monotonic() + BEGIN_S)
        except BaseException:
            self._let_go()
            raise
        if not is_any:
            self._let_go()
            return False
        keeping = self._keep()
        self._keeper = asyncio.create_task(keeping, name="cov")  # noqa: TID251 - ends with `end`, is seen by `check`
        return True

    async def end(self) -> None:
        """Unsubscribe as far as the device still answers, and hand over what was told; never raises."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self._let_go()
        until_s = self._clock.monotonic() + END_S
        with suppress(DeviceUnreachableError):
            for target in self._leases.pushed(self._clock.monotonic()):
                if self._peer.is_silent or self._clock.monotonic() >= until_s:
                    break
                with suppress(ErrorAnswerError, TurnedDownError, FrameError):
                    await self._peer.ask(cancellation(self._process, target), END_S)

    def check(self) -> None:
        """Raise what ended the keeper, if it ended: that is a mistake of ours."""
        if self._keeper is not None and self._keeper.done() and not self._keeper.cancelled():
            self._keeper.result()

    def compare(self, plan: BacnetPlan, values: Sequence[float]) -> None:
        """Take note of values that were read: what changed without being told is doubted."""
        now_s = self._clock.monotonic()
        for target, value in zip(plan.objects, values, strict=True):
            told = self._inbox.last.get(target)
            if told is not None and value != told[0] and value == value:  # noqa: PLR0124 - NaN says nothing
                self._inbox.last[target] = value, told[1]
                self._leases.doubt(target, now_s)

    def figures(self) -> dict[str, str | int | None]:
        """How it fares, for diagnostics."""
        now_s = self._clock.monotonic()
        polled = sorted(self._names[target] for target in self._leases.polled(now_s))
        more = f" and {len(polled) - _NAMES_SHOWN} more" if len(polled) > _NAMES_SHOWN else ""
        return {
            "cov_subscribed": len(self._leases.pushed(now_s)),
            "cov_budget": self._leases.budget,
            "cov_polled": len(polled),
            "cov_polled_points": ", ".join(polled[:_NAMES_SHOWN]) + more,
            "cov_notifications": self.notifications,
            "cov_renewals": self._leases.renewals,
            "cov_restarts": self.restarts,
        }

    def _let_go(self) -> None:
        self._inbox.flush()
        self._peer.endpoint.listen(self._peer.station, None)
        self._peer.endpoint.watch(self._device.instance, None)

    def _heard(self, apdu: bytes) -> None:
        """Take a notification, and confirm it where the device wants that; what is not ours is refused."""
        seen = self._glance.read(apdu)
        if seen is not None:
            invoke, target, answer = seen
            self._inbox.put(target, answer, self._clock.now())
            self._heard_ours(invoke)
            return
        try:
            told = notification_of(apdu)
        except FrameError:
            self._peer.counts["nonsense"] += 1
            return
        if told is not None:
            self._walked(told)

    def _walked(self, told: Notification) -> None:
        if told.object == self._device == told.device:
            self._is_suspect = True  # a restart notification (clause 19.3), or whatever else it says of itself
            return
        is_ours = told.process == self._process and told.device == self._device and told.object in self._names
        if is_ours and PRESENT_VALUE in told.values:
            self._inbox.put(told.object, answer_of(told.values), self._clock.now())
        if is_ours:
            self._heard_ours(told.invoke)
        elif told.invoke is not None:
            self._tell(unknown_subscription(told.invoke, CONFIRMED_COV))

    def _heard_ours(self, invoke: int | None) -> None:
        self.notifications += 1
        if invoke is not None:
            self._tell(simple_ack(invoke, CONFIRMED_COV))

    def _tell(self, apdu: bytes) -> None:
        self._peer.endpoint.tell(self._peer.station, apdu)

    def _introduced(self) -> None:
        """The device spoke of itself: somebody asked who is there, or it restarted."""
        self._is_suspect = True

    async def _keep(self) -> None:
        """Renew, prove and poll when each is due; a device that is silent is the collector's to report."""
        while True:
            try:
                await self._prove()
                await self._subscribe_until(self._clock.monotonic() + BEGIN_S)
                await self._beside.poll(self._leases.polled(self._clock.monotonic()), self._clock.monotonic())
                # A pass in which nothing was due proves nothing.
                self.silence = self.silence if self._peer.is_silent else None
            except DeviceUnreachableError as error:
                self.silence = str(error)
            next_s = min(self._leases.next_s(), self._beside.next_s(), self._proved_s + PROOF_S)
            await self._clock.sleep(min(TICK_S, max(0.01, next_s - self._clock.monotonic())))

    async def _subscribe_until(self, until_s: float) -> bool:
        """Subscribe and renew what is due; false when the device knows no COV."""
        while (target := self._leases.due(self._clock.monotonic())) is not None:
            if self._clock.monotonic() >= until_s:
                break
            if not await self._subscribe(target):
                return False
        return bool(self._leases.pushed(self._clock.monotonic()))

    async def _subscribe(self, target: Object) -> bool:
        config = self._ties.config
        question = subscription(self._process, target, config.cov_lifetime_s, is_confirmed=config.cov_confirmed)
        try:
            await self._peer.ask(question)
        except (ErrorAnswerError, TurnedDownError) as error:
            self._leases.refused(target, self._clock.monotonic(), is_full=is_full(error) or knows_no_cov(error))
            return not knows_no_cov(error)
        except FrameError:
            self._leases.refused(target, self._clock.monotonic(), is_full=False)
        except DeviceUnreachableError:
            self._leases.unanswered(target, self._clock.monotonic())
            raise
        else:
            self._leases.granted(target, self._clock.monotonic())
        return True

    async def _prove(self) -> None:
        """Find out whether the device restarted, now and then, and when it said I-Am."""
        now_s = self._clock.monotonic()
        if now_s < self._proof_due_s():
            return
        self._proved_s = now_s
        was, self._proof = self._proof, await self._read_proof()
        is_suspect, self._is_suspect = self._is_suspect, False
        # Where the device keeps no time of restart, I-Am has to do as a sign.
        if self._proof != was or (is_suspect and not self._proof[-1]):
            self.restarts += 1
            self._begun_s = now_s
            self._leases.begin_again(now_s)

    def _proof_due_s(self) -> float:
        if not self._is_suspect:
            return self._proved_s + PROOF_S
        if self._proof[-1]:
            return self._proved_s + SUSPECT_S
        return self._begun_s + SIGN_FROM * self._ties.config.cov_lifetime_s

    async def _read_proof(self) -> tuple[bytes, ...]:
        """What is another after a restart, as the device sends it; nothing where it does not tell."""
        proof = []
        for property_id in (_DATABASE_REVISION, _TIME_OF_RESTART):
            try:
                proof.append(await self._peer.ask(single_question(self._device, property_id)))
            except (ErrorAnswerError, TurnedDownError, FrameError):
                proof.append(b"")
        return tuple(proof)
