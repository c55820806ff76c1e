"""What holds for those who sign in: passwords, locks and sessions."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """How long a password is, and how many of those before are refused."""

    characters_min: int = 12
    characters_max: int = 128
    remembered: int = 3


@dataclass(frozen=True, slots=True)
class LockRules:
    """After how many wrong passwords in a row an account is locked, and for how long."""

    failures_max: int = 5
    lock_s: float = 900.0


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session lasts at most, and how long without anybody doing something; a wall view's does not idle."""

    lasts_s: float = 12 * 3_600.0
    idle_s: float = 900.0
    wall_lasts_s: float = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class AccessRules:
    """All of them."""

    passwords: PasswordRules = field(default_factory=PasswordRules)
    lock: LockRules = field(default_factory=LockRules)
    sessions: SessionRules = field(default_factory=SessionRules)
