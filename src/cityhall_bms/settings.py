"""Settings of the service itself: flags over environment over file over defaults.

The file is TOML (``cityhall-bms serve SITE --config cityhall.toml``); the environment spells the same keys as
``CITYHALL_DATABASE__URL``. What an engineer edits about the building is in the site folder, not here.
"""

import json
import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyAddress,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from cityhall_bms.domain.access.grants import Grant, parse_grant
from cityhall_bms.domain.access.rules import AccessRules, LockRules, PasswordRules, SessionRules
from cityhall_bms.domain.energy.balance import BalanceLimits
from cityhall_bms.domain.errors import Problem, SiteError
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.domain.shifts import Shifts, minutes_of
from cityhall_bms.domain.site import System

ENV_PREFIX: Final = "CITYHALL_"
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The Prometheus library's own name for it."""

Port = Annotated[int, Field(ge=1, le=65_535)]
KeptDays = Annotated[int, Field(ge=0, le=40_000)]
Percent = Annotated[float, Field(ge=0.0, le=100.0)]
Delay = Annotated[float, Field(ge=0.0, le=7 * 86_400.0)]
Steps = tuple[Annotated[float, Field(gt=0.0, le=7 * 86_400.0)], ...]


def _time_of_day(text: str) -> str:
    minutes_of(text)
    return text


def _is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address; a name other than ``localhost`` may be anything."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _granted(given: object) -> object:
    return parse_grant(given) if isinstance(given, str) else given


def _granting(grant: Grant) -> str:
    return f"{grant.role}@{grant.zones[0]}"


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
_HANDLING: Final = Handling()


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Table):
    """``[database]``: empty ``url`` = the embedded PostgreSQL in ``data_dir``."""

    url: str = ""


class NatsSettings(_Table):
    """``[nats]``: empty ``url`` = the embedded NATS server in ``data_dir``."""

    url: str = ""
    store_bytes_max: Annotated[int, Field(ge=64 * 2**20)] = 8 * 2**30


class ApiSettings(_Table):
    """``[api]``: where to listen, and under which names the service may be addressed.

    ``tls_certificate`` and ``tls_key`` are PEM files, the certificate with its chain. ``proxies`` are the addresses of
    proxies that speak TLS for us, and whose word for the caller's address is taken.
    """

    host: str = "127.0.0.1"
    port: Port = 8800
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    tls_certificate: str = ""
    tls_key: str = ""
    proxies: tuple[IPvAnyAddress, ...] = ()

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        if bool(self.tls_certificate) != bool(self.tls_key):
            msg = "tls_certificate and tls_key belong together: give both, or neither"
            raise ValueError(msg)
        if not (_is_loopback(self.host) or self.tls_certificate or self.proxies):
            msg = (
                f"host {self.host} is reached from other machines, and passwords would cross the network in the clear:"
                " give tls_certificate and tls_key, or in proxies the address of the proxy that speaks TLS before it"
            )
            raise ValueError(msg)
        return self

    @property
    def scheme(self) -> str:
        """How the service itself is spoken to."""
        return "https" if self.tls_certificate else "http"


class LimitSettings(_Table):
    """``[limits]``: how much one caller, and all together, may ask of the API.

    A caller is an account; before it is known who asks, an address. ``head_s`` and ``body_s``: within how many seconds
    a request's head and body must have come.
    """

    requests_per_s: Annotated[float, Field(gt=0.0, le=10_000.0)] = 50.0
    requests_burst: Annotated[int, Field(ge=1, le=100_000)] = 400
    sign_ins_per_minute: Annotated[int, Field(ge=1, le=1_000)] = 5
    streams_each: Annotated[int, Field(ge=1, le=10_000)] = 50
    streams_all: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    exports_each: Annotated[int, Field(ge=1, le=100)] = 2
    exports_all: Annotated[int, Field(ge=1, le=1_000)] = 8
    connections: Annotated[int, Field(ge=10, le=100_000)] = 2_000
    head_s: Annotated[float, Field(ge=1.0, le=120.0)] = 10.0
    body_s: Annotated[float, Field(ge=1.0, le=600.0)] = 30.0


class CollectorSettings(_Table):
    """``[collector]``: its name in the telemetry log, and how often it publishes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "collector-1"
    tick_s: Annotated[float, Field(ge=0.1, le=5.0)] = 0.5


class HistorianSettings(_Table):
    """``[historian]``: for how many days to keep what devices sent, so that it can be decoded again; 0 = not at all."""

    raw_days: Annotated[int, Field(ge=0, le=400)] = 7


class IntegritySettings(_Table):
    """``[integrity]``: where the signing key lies; empty ``keys`` = the folder ``keys`` in ``data_dir``."""

    keys: str = ""


class ExportSettings(_Table):
    """``[exports]``: for how many days files are kept, and how much room exports leave on the disk."""

    keep_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    free_bytes_min: Annotated[int, Field(ge=0)] = 2 * 2**30


class AlarmSettings(_Table):
    """``[alarms]``: how alarms are followed up, lists by priority 1 to 4; and when shifts change.

    ``realarm_s``: after how long an acknowledged alarm that still stands rings again; 0 = never. ``escalate_s``: after
    how long an unacknowledged one is passed on, step by step; ``escalate_to`` names whom the steps go to.
    """

    realarm_s: tuple[Delay, Delay, Delay, Delay] = _HANDLING.realarm_s
    escalate_s: tuple[Steps, Steps, Steps, Steps] = _HANDLING.escalate_s
    escalate_to: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = _HANDLING.escalate_to
    shift_changes: tuple[TimeOfDay, ...] = ("07:00", "15:00", "23:00")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.shift_changes:
            msg = "shift_changes needs one time of the day at least"
            raise ValueError(msg)
        for steps in self.escalate_s:
            if list(steps) != sorted(set(steps)):
                msg = f"escalate_s: each step comes later than the one before, not {list(steps)}"
                raise ValueError(msg)
            if len(steps) > len(self.escalate_to):
                msg = f"escalate_to names {len(self.escalate_to)} steps, and escalate_s has {len(steps)}"
                raise ValueError(msg)
        return self

    @property
    def handling(self) -> Handling:
        """In the domain's terms."""
        return Handling(self.realarm_s, self.escalate_s, self.escalate_to)

    def shifts(self, zone: ZoneInfo) -> Shifts:
        """Shifts of a building in a zone."""
        return Shifts([minutes_of(text) for text in self.shift_changes], zone)


class EnergySettings(_Table):
    """``[energy]``: residuals of balances, percent of what came in; coverage under which nothing is judged."""

    balance_warn_percent: Percent = 5.0
    balance_wrong_percent: Percent = 10.0
    balance_impossible_percent: Percent = 2.0
    coverage_min_percent: Percent = 95.0

    @property
    def balance(self) -> BalanceLimits:
        """In the domain's terms."""
        return BalanceLimits(
            warn=self.balance_warn_percent / 100,
            wrong=self.balance_wrong_percent / 100,
            impossible=self.balance_impossible_percent / 100,
            coverage_min=self.coverage_min_percent / 100,
        )


class NotificationSettings(_Table):
    """``[notifications]``: the file with the channels' addresses; empty = ``secrets/channels.toml`` of the site."""

    channels_file: str = ""


class AccessSettings(_Table):
    """``[access]``: when sessions end, what a password is, and when an account is locked.

    ``idle_minutes``: after how long without anybody doing something a session ends (a wall view's does not);
    ``session_hours``: after how long it ends in any case. ``metrics_open_on_loopback``: ``/metrics`` needs no token
    where it is asked for from this very machine.
    """

    idle_minutes: Annotated[float, Field(ge=1.0, le=1_440.0)] = 15.0
    session_hours: Annotated[float, Field(ge=0.1, le=168.0)] = 12.0
    password_characters_min: Annotated[int, Field(ge=8, le=64)] = 12
    passwords_remembered: Annotated[int, Field(ge=0, le=24)] = 3
    failures_max: Annotated[int, Field(ge=1, le=100)] = 5
    lock_minutes: Annotated[float, Field(ge=0.1, le=1_440.0)] = 15.0
    metrics_open_on_loopback: bool = True

    @property
    def rules(self) -> AccessRules:
        """In the domain's terms."""
        return AccessRules(
            PasswordRules(self.password_characters_min, remembered=self.passwords_remembered),
            LockRules(self.failures_max, 60.0 * self.lock_minutes),
            SessionRules(lasts_s=3_600.0 * self.session_hours, idle_s=60.0 * self.idle_minutes),
        )


class RetentionSettings(_Table):
    """``[retention]``: for how many days what is kept; 0 = for ever. Hours and days are kept for ever.

    ``scans_days``: after so many days scans are packed. ``systems``: other days for the samples of a system.
    ``archive``: folder into which packed days are written as Parquet before anything of them goes; empty = none.
    """

    scans_days: Annotated[int, Field(ge=1, le=400)] = 2
    samples_days: KeptDays = 400
    minutes_days: KeptDays = 400
    quarters_days: KeptDays = 3_660
    systems: dict[System, KeptDays] = {}
    archive: str = ""


class OidcSettings(_Table):
    """``[oidc]``: an OpenID provider that says who people are; empty ``issuer`` = none.

    ``grants``: what the provider's groups may do, as ``"operator"`` or ``"operator@05.W"``. Who is in none of them is
    not let in.
    """

    issuer: Annotated[str, Field(pattern=r"^(|https://.+|http://(127\.0\.0\.1|localhost)[:/].*)$")] = ""
    client_id: str = ""
    client_secret_file: str = ""
    text: Annotated[str, Field(min_length=1, max_length=60)] = "單一登入 / Single sign-on"
    name_claim: Annotated[str, Field(min_length=1)] = "preferred_username"
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    scopes: tuple[str, ...] = ()
    grants: dict[str, tuple[Annotated[Grant, BeforeValidator(_granted), PlainSerializer(_granting)], ...]] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.issuer and not (self.client_id and Path(self.client_secret_file).is_file() and self.grants):
            msg = "an issuer needs client_id, client_secret_file (a file that can be read) and grants"
            raise ValueError(msg)
        return self


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )
    toml_file: ClassVar[Path | None] = None

    data_dir: Path = Path("var")
    database: DatabaseSettings = DatabaseSettings()
    nats: NatsSettings = NatsSettings()
    api: ApiSettings = ApiSettings()
    limits: LimitSettings = LimitSettings()
    collector: CollectorSettings = CollectorSettings()
    historian: HistorianSettings = HistorianSettings()
    integrity: IntegritySettings = IntegritySettings()
    retention: RetentionSettings = RetentionSettings()
    exports: ExportSettings = ExportSettings()
    alarms: AlarmSettings = AlarmSettings()
    energy: EnergySettings = EnergySettings()
    notifications: NotificationSettings = NotificationSettings()
    access: AccessSettings = AccessSettings()
    oidc: OidcSettings = OidcSettings()

    @property
    def export_folder(self) -> Path:
        """Folder of the files that were asked for."""
        return self.data_dir / "exports"

    @property
    def document_folder(self) -> Path:
        """Folder of the files that prove readings."""
        return self.data_dir / "documents"

    @property
    def report_folder(self) -> Path:
        """Folder of the reports that were made."""
        return self.data_dir / "reports"

    @property
    def key_folder(self) -> Path:
        """Folder of the signing key."""
        return Path(self.integrity.keys) if self.integrity.keys else self.data_dir / "keys"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then environment, then the file."""
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        if cls.toml_file is not None:
            sources += (TomlConfigSettingsSource(settings_cls, toml_file=cls.toml_file),)
        return sources


def load_settings(config: Path | None = None, **flags: Any) -> Settings:  # noqa: ANN401 - keys of Settings
    """Read the settings; :class:`SiteError` naming file and key for every mistake."""

    class FromFile(Settings):
        toml_file: ClassVar[Path | None] = config

    place = str(config) if config else "settings"
    if config is not None and not config.is_file():
        raise SiteError([Problem(place, 0, "--config", "there is no such file", "name an existing TOML file")])
    try:
        return FromFile(**flags)
    except ValidationError as error:
        raise SiteError(
            [
                Problem(
                    place, 0, ".".join(str(part) for part in item["loc"]), item["msg"], "see docs/reference/settings.md"
                )
                for item in error.errors()
            ]
        ) from error


def metrics_are_shared() -> bool:
    """Tell whether the supervisor gave this process a folder in which all workers keep their figures."""
    return METRICS_FOLDER in os.environ  # noqa: TID251 - this is the door


def child_environment(settings: Settings, **extra: str) -> dict[str, str]:
    """Environment for a worker process: ours, and every setting as it was resolved (secrets stay out of argv)."""
    resolved = {f"{ENV_PREFIX}{key}": value for key, value in _flat(settings.model_dump(mode="json"))}
    return dict(os.environ) | extra | resolved  # noqa: TID251 - this is the door


def _flat(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, dict):
            pairs += _flat(value, f"{name}__")
        else:
            pairs.append((name, value if isinstance(value, str) else json.dumps(value)))
    return pairs
