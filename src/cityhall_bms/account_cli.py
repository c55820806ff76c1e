"""Commands about accounts, beside the service or alone: whoever may open the data folder may let somebody in."""

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cityhall_bms import beside, first_account, site_reading
from cityhall_bms.access.desk import AccountOffice
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.command_frame import Config, DataDir, SiteFolder, ending_well, run, settings_of
from cityhall_bms.domain.access.grants import GRANTABLE, Grant, Permission, parse_grant
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.ports.access import Account
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import Settings

ResultT = TypeVar("ResultT")

account_app = typer.Typer(no_args_is_help=True, help="帳號 / Accounts: who gets in, as what.")

Name = Annotated[str, typer.Argument(help="帳號名稱 / name of the account")]
Roles = Annotated[
    list[str], typer.Option("--role", help=f"{', '.join(GRANTABLE)}；ROLE@ZONE 限於區域 / ROLE@ZONE in a zone only")
]
OptionalRoles = Annotated[list[str] | None, typer.Option("--role", help="新帳號的角色 / roles of a new account")]


def register(app: typer.Typer) -> None:
    """Add the commands to the others."""
    app.add_typer(account_app, name="account")


@account_app.command(name="list")
def list_accounts(site: SiteFolder, config: Config = None, data_dir: DataDir = None) -> None:
    """列出帳號 / List the accounts."""
    settings, clock = settings_of(config, data_dir), SystemClock()
    for account in run(lambda: _with_desk(site, settings, clock, lambda desk: desk.all())):
        print("\t".join((account.name, _state(account, clock.now()), _words(account))))


@account_app.command()
def invite(
    site: SiteFolder,
    name: Name,
    roles: OptionalRoles = None,
    wall: Annotated[bool, typer.Option("--wall", help="電視牆帳號 / of a wall view: reads only, stays in")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """邀請：印出一次性連結，由本人設定密碼；沒有此帳號時新增 / Print a link, good once, to choose a password with."""
    settings = settings_of(config, data_dir)

    async def work(desk: AccountOffice) -> str:
        try:
            account = await desk.get(name)
        except NotFoundError:
            if not roles:
                msg = f"沒有帳號 {name}，新增須給 --role / no account is named {name}; a new one needs --role"
                raise RefusedError(msg) from None
            account = await desk.create(name, _grants(roles), by=_me(), wall=wall)
        return await desk.invite(account.name, by=_me())

    secret = run(lambda: _with_desk(site, settings, SystemClock(), work))
    print(first_account.link(f"{settings.api.scheme}://{settings.api.host}:{settings.api.port}", secret))


@account_app.command()
def token(
    site: SiteFolder,
    name: Name,
    *,
    scopes: Annotated[list[str], typer.Option("--scope", help=f"{', '.join(Permission)}")],
    purpose: Annotated[str, typer.Option("--for", help="用途 / what for; kept in the event log")],
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="天數 / for how many days")] = 90,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """為程式產生權杖，只顯示這一次 / Make a token for a program; it is shown this once."""
    settings = settings_of(config, data_dir)
    wanted = ending_well(lambda: [_scope(scope) for scope in scopes])
    made = run(
        lambda: _with_desk(
            site, settings, SystemClock(), lambda desk: desk.make_token(name, purpose, wanted, days, by=_me())
        )
    )
    print(made.secret)


@account_app.command()
def grant(site: SiteFolder, name: Name, roles: Roles, config: Config = None, data_dir: DataDir = None) -> None:
    """授予這些角色，取代原有 / Give an account these roles, and no others."""
    wanted = ending_well(lambda: _grants(roles))
    _change(site, config, data_dir, lambda desk: desk.grant(name, wanted, by=_me()))


@account_app.command()
def disable(
    site: SiteFolder,
    name: Name,
    reason: Annotated[str, typer.Option("--reason", help="原因 / why; kept in the event log")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """停用帳號，連線與權杖隨之失效 / End an account, its sessions and its tokens."""
    _change(site, config, data_dir, lambda desk: desk.disable(name, by=_me(), reason=reason))


@account_app.command()
def enable(site: SiteFolder, name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """重新啟用帳號 / Take a disabled account into use again."""
    _change(site, config, data_dir, lambda desk: desk.enable(name, by=_me()))


@account_app.command()
def unlock(site: SiteFolder, name: Name, config: Config = None, data_dir: DataDir = None) -> None:
    """解除鎖定 / Let a locked account try again at once."""
    _change(site, config, data_dir, lambda desk: desk.unlock(name, by=_me()))


def _change(
    site: Path, config: Path | None, data_dir: Path | None, work: Callable[[AccountOffice], Awaitable[Account]]
) -> None:
    settings, clock = settings_of(config, data_dir), SystemClock()
    account = run(lambda: _with_desk(site, settings, clock, work))
    print("\t".join((account.name, _state(account, clock.now()), _words(account))))


async def _with_desk(
    folder: Path, settings: Settings, clock: Clock, work: Callable[[AccountOffice], Awaitable[ResultT]]
) -> ResultT:
    site = site_reading.read_site(folder)
    beside.require_database(settings)
    async with beside.database(settings, clock) as running:
        await migrate(running.database.url)
        async with first_account.office(site, running, clock) as desk:
            return await work(desk)


def _grants(words: list[str]) -> list[Grant]:
    return [_grant(word) for word in words]


def _grant(word: str) -> Grant:
    try:
        return parse_grant(word)
    except ValueError as error:
        msg = f"--role {error}"
        raise RefusedError(msg) from error


def _scope(word: str) -> Permission:
    if word not in set(Permission):
        msg = f"--scope {word}: {', '.join(Permission)}"
        raise RefusedError(msg)
    return Permission(word)


def _me() -> str:
    """Who works at the machine: that is who is recorded."""
    return getpass.getuser()


def _state(account: Account, at: int) -> str:
    if account.disabled:
        return "停用 disabled"
    if account.locked(at):
        return "鎖定 locked"
    return "可用 usable" if account.password_at or account.provider else "待邀請 invited or to be"


def _words(account: Account) -> str:
    return ", ".join(f"{grant.role}@{'|'.join(grant.zones)}" for grant in account.grants)
