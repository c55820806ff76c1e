"""``cityhall-bms serve``: the services that a site needs, and the worker processes that run its roles."""

import asyncio
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import structlog
from rich.console import Console

from cityhall_bms import bootstrap, first_account
from cityhall_bms.adapters.embedded.child import ChildPlan, StopStep, start_child
from cityhall_bms.adapters.embedded.folder_lock import FolderLock
from cityhall_bms.adapters.embedded.nats import EmbeddedNats
from cityhall_bms.adapters.embedded.postgres import EmbeddedPostgres
from cityhall_bms.answering import answers
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.live_change import Worker, apply_when_asked, asked_by_signal
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import (
    METRICS_FOLDER,
    ApiSettings,
    DatabaseSettings,
    NatsSettings,
    Settings,
    child_environment,
)
from cityhall_bms.site_reading import read_site

WORKERS: Final = (("collector",), ("historian", "rules", "api"))
"""Which roles share a process: decoding has a core of its own."""
RESTART_AFTER_S: Final = 1.0
READY_POLL_S: Final = 0.1
READY_WITHIN_S: Final = 60.0
STOP_STEPS: Final = (StopStep(signal.SIGTERM, 10.0),)

log = structlog.get_logger(__name__)


class NotReadyError(CityHallError):
    """The service did not come up; the text says where to look."""


@dataclass(frozen=True, slots=True)
class Job:
    """A site to serve, with what roles, and where workers write their log (none = our own stderr)."""

    folder: Path
    settings: Settings
    roles: Sequence[str]
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A service that is up: the API's address (empty without that role), and the settings that name its database."""

    address: str
    settings: Settings


async def serve(job: Job, clock: Clock) -> None:
    """Run until SIGTERM or Ctrl-C."""
    await until_stopped(_serve(job, clock))


async def _serve(job: Job, clock: Clock) -> NoReturn:
    async with running(job, clock) as service:
        log.info("ready", address=service.address)
        if service.address:
            await _tell_first(job, service, clock)
        while True:
            await asyncio.Event().wait()


async def _tell_first(job: Job, service: Running, clock: Clock) -> None:
    """Tell whoever started the service how to get in, as long as nobody has."""
    secret = await first_account.first_invitation(read_site(job.folder), service.settings, clock)
    if secret is not None:
        link = first_account.link(service.address, secret)
        text = f"尚無帳號，24 小時內以此連結設定管理者密碼 / nobody has an account yet; choose a password: {link}"
        Console(stderr=True).print(text, soft_wrap=True, highlight=False)


async def until_stopped(work: Coroutine[None, None, None]) -> None:
    """Run something to its end, or cancel it at SIGTERM or Ctrl-C, also while it is still starting."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, working.cancel)


@asynccontextmanager
async def running(job: Job, clock: Clock) -> AsyncIterator[Running]:
    """Everything up and ready inside the block, everything ended after it."""
    if "api" in job.roles:
        require_usable(job.settings.api)
    metrics = job.settings.data_dir / "metrics"
    asked = asked_by_signal()
    async with AsyncExitStack() as stack:
        stack.enter_context(claimed(job.settings.data_dir, "service.lock"))
        _empty(metrics)
        services = _embedded(job.settings, clock)
        for service in services:
            await stack.enter_async_context(service)
        settings = _named(job.settings, services)
        await bootstrap.prepare(job.folder, settings, clock)
        workers = [Worker(roles) for roles in _groups(job.roles)]
        loops = [service.run() for service in services]
        loops += [_keep(worker, _plan(job, settings, worker.roles, metrics), clock) for worker in workers]
        loops.append(apply_when_asked(asked, job.folder, settings, workers, clock))
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(loop) for loop in loops]
            try:
                yield Running(await _address(settings, job.roles, clock), settings)
            finally:
                for keeper in keepers:
                    keeper.cancel()


@contextmanager
def claimed(folder: Path, name: str) -> Iterator[None]:
    """Keep a data folder for ourselves, before anything in it is touched.

    :class:`FolderInUseError` naming the process that has it, :class:`NotReadyError` when it cannot be written to.
    """
    lock = FolderLock(folder / name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.take()
    except OSError as error:
        msg = f"{folder}: {error.strerror or error}; choose another data directory (--data-dir)"
        raise NotReadyError(msg) from error
    try:
        yield
    finally:
        lock.release()


def require_usable(api: ApiSettings) -> None:
    """Refuse an address that cannot be listened on, or a certificate; :class:`NotReadyError` says why.

    Before anything starts: else the worker would end again and again, and whoever has the port might even answer that
    all is well.
    """
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    try:
        socket.create_server((api.host, api.port), family=family).close()
    except OSError as error:
        msg = f"cannot listen on {api.host} port {api.port}: {error.strerror or error}; choose another with --port"
        raise NotReadyError(msg) from error
    if not api.tls_certificate:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(api.tls_certificate, api.tls_key, password=_none_given)
    except (OSError, ValueError) as error:
        msg = f"cannot use {api.tls_certificate} with {api.tls_key}: {error} (api.tls_certificate, api.tls_key)"
        raise NotReadyError(msg) from error


def _embedded(settings: Settings, clock: Clock) -> list[EmbeddedPostgres | EmbeddedNats]:
    """Services that the settings do not name elsewhere."""
    services: list[EmbeddedPostgres | EmbeddedNats] = []
    if not settings.database.url:
        services.append(EmbeddedPostgres(settings.data_dir, clock))
    if not settings.nats.url:
        services.append(EmbeddedNats(settings.data_dir, clock, settings.nats.store_bytes_max))
    return services


def _named(settings: Settings, services: Sequence[EmbeddedPostgres | EmbeddedNats]) -> Settings:
    """Settings that name the running services."""
    changes: dict[str, object] = {}
    for service in services:
        if isinstance(service, EmbeddedPostgres):
            changes["database"] = DatabaseSettings(url=service.dsn)
        else:
            changes["nats"] = NatsSettings(url=service.url, store_bytes_max=settings.nats.store_bytes_max)
    return settings.model_copy(update=changes)


def _groups(roles: Sequence[str]) -> list[tuple[str, ...]]:
    """Share the wanted roles out to processes."""
    groups = [tuple(role for role in group if role in roles) for group in WORKERS]
    return [group for group in groups if group]


def _plan(job: Job, settings: Settings, roles: Sequence[str], metrics: Path) -> ChildPlan:
    command = (sys.executable, "-m", "cityhall_bms", "work", str(job.folder), "--roles", ",".join(roles))
    return ChildPlan(
        arguments=command,
        cwd=Path.cwd(),
        log=job.log,
        death_signal=signal.SIGTERM,
        environment=child_environment(settings, **{METRICS_FOLDER: str(metrics)}),
    )


async def _keep(worker: Worker, plan: ChildPlan, clock: Clock) -> None:
    """Run a worker, and start it again whenever it ends."""
    while True:
        child = worker.child = await start_child(plan)
        try:
            code = await child.wait()
        finally:
            worker.child = None
            await child.stop(STOP_STEPS)
        if worker.wanted_end:
            worker.wanted_end = False
            continue
        log.error("a worker ended and is started again", roles=plan.arguments[-1], exit_code=code)
        await clock.sleep(RESTART_AFTER_S)


async def _address(settings: Settings, roles: Sequence[str], clock: Clock) -> str:
    """Wait until the API answers that all is ready."""
    address = f"{settings.api.scheme}://{settings.api.host}:{settings.api.port}"
    if "api" not in roles:
        return ""
    deadline = clock.monotonic() + READY_WITHIN_S
    while clock.monotonic() < deadline:
        if await answers(settings.api):
            return address
        await clock.sleep(READY_POLL_S)
    msg = f"{address}/readyz did not answer within {READY_WITHIN_S:.0f} s; the workers' log says why"
    raise NotReadyError(msg)


def _none_given() -> str:
    """Keep the library from asking at the terminal for the password of a key that has one."""
    msg = "the key must not have a password"
    raise ValueError(msg)


def _empty(folder: Path) -> None:
    """Figures of an earlier run say nothing about this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
