"""The database of a site for a command that works beside the service, or alone where none runs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from cityhall_bms.adapters.embedded.folder_lock import holder_of
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import DatabaseSettings, Settings
from cityhall_bms.supervisor import claimed

LOCK = "service.lock"


def require_database(settings: Settings) -> None:
    """Refuse to make a new database where one was expected; :class:`RefusedError` says what to name."""
    place = settings.data_dir / EmbeddedPostgres.name
    if not settings.database.url and not place.is_dir():
        msg = f"there is no database in {place}: name the service's own settings (--config, --data-dir)"
        raise RefusedError(msg)


@asynccontextmanager
async def database(settings: Settings, clock: Clock, *, alone: bool = False) -> AsyncIterator[Settings]:
    """Settings that name a running database: the site's own, that of a running service, or an embedded one of ours.

    ``alone`` asks for an embedded database that nobody else uses: :class:`FolderInUseError` while a service has the
    data folder. A server of one's own may be shared all the same; whoever writes there must lock for himself.
    """
    async with AsyncExitStack() as stack:
        if not settings.database.url:
            postgres = EmbeddedPostgres(settings.data_dir, clock)
            # Where a service runs, its database is there for whoever may open the data folder.
            if alone or holder_of(settings.data_dir / LOCK) is None:
                stack.enter_context(claimed(settings.data_dir, LOCK))
                await stack.enter_async_context(postgres)
            settings = settings.model_copy(update={"database": DatabaseSettings(url=postgres.dsn)})
        yield settings
