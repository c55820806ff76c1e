"""Who may ask when: one question at a time to a device, and few at a time through a router."""

import asyncio


class Router:
    """Questions in flight through one router; the most careful of its devices sets the limit."""

    def __init__(self) -> None:
        self._limit: int | None = None
        self._places: asyncio.Semaphore | None = None

    def allow(self, questions: int) -> None:
        """Let no more than this be in flight at once."""
        if self._limit is None or questions < self._limit:
            self._limit, self._places = questions, None

    @property
    def places(self) -> asyncio.Semaphore:
        """Where to wait."""
        if self._places is None:
            self._places = asyncio.Semaphore(self._limit or 1)
        return self._places


class Turn:
    """A context in which one device may be asked; many controllers can think of one question only."""

    def __init__(self, router: Router | None = None) -> None:
        self._lock = asyncio.Lock()
        self._router = router
        self._place: asyncio.Semaphore | None = None

    async def __aenter__(self) -> None:
        """Wait for the device, then for its router."""
        await self._lock.acquire()
        if self._router is None:
            return
        place = self._router.places
        try:
            await place.acquire()
        except BaseException:
            self._lock.release()
            raise
        self._place = place

    async def __aexit__(self, *_: object) -> None:
        """Let the next one ask."""
        place, self._place = self._place, None
        if place is not None:
            place.release()
        self._lock.release()
