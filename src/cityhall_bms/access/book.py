"""Accounts as the log has them. Each is a fold of a few events, so that a change holds from the next request on."""

from collections.abc import Sequence
from typing import Final

from cityhall_bms.domain.access.accounts import ACCOUNT_STREAMS, Account, account_stream, fold_account
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import Event
from cityhall_bms.ports.event_log import Append, EventLog

PAGE_EVENTS: Final = 1_000
CHANGES_MAX: Final = 10_000


class AccountBook:
    """See :class:`~cityhall_bms.ports.access.Accounts`; and it takes down what is decided about an account."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    async def find(self, name: str) -> Account | None:
        """One account, by its name in whatever case; or none."""
        account: Account | None = None
        stream = account_stream(name)
        if stream.endswith("/"):
            return None  # no account is called so, and the log would give a whole family of streams
        for entry in await self._events.read(limit=CHANGES_MAX, stream=stream):
            account = fold_account(account, entry)
        return account

    async def get(self, name: str) -> Account:
        """One account; ``NotFoundError`` when there is none."""
        found = await self.find(name)
        if found is None:
            msg = f"沒有帳號 {name} / no account is named {name}"
            raise NotFoundError(msg)
        return found

    async def all(self) -> Sequence[Account]:
        """Every account, by name."""
        found: dict[str, Account | None] = {}
        after = 0
        while True:
            entries = await self._events.read(after, PAGE_EVENTS, ACCOUNT_STREAMS)
            for entry in entries:
                found[entry.stream] = fold_account(found.get(entry.stream), entry)
            if len(entries) < PAGE_EVENTS:
                return sorted((each for each in found.values() if each is not None), key=lambda each: each.key)
            after = entries[-1].position

    async def begin(self, events: Sequence[Event], name: str, by: str) -> Account:
        """The first events of an account; ``ConcurrencyError`` when there is one of that name."""
        return await self._append(None, events, name, by, 0)

    async def change(self, account: Account, event: Event, by: str) -> Account:
        """What follows; ``ConcurrencyError`` when something else was decided meanwhile."""
        return await self._append(account, [event], account.name, by, account.version)

    async def _append(
        self, account: Account | None, events: Sequence[Event], name: str, by: str, version: int
    ) -> Account:
        changed = account
        for entry in await self._events.append([Append(account_stream(name), events, by, version)]):
            changed = fold_account(changed, entry)
        assert changed is not None  # noqa: S101 - something was just decided of it
        return changed
