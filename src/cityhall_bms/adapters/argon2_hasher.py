"""Hashes of passwords by argon2id (RFC 9106), at the library's parameters for logging people in."""

import asyncio
from functools import cached_property

import argon2


class Argon2Hasher:
    """See :class:`~cityhall_bms.ports.credentials.PasswordHasher`."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        # 64 MiB each: a crowd of attempts must not take the machine's memory.
        self._few = asyncio.Semaphore(2)

    async def hash(self, password: str) -> str:
        """A salted hash."""
        async with self._few:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether a password is that of a hash; none takes the same time, and never matches."""
        async with self._few:
            same = await asyncio.to_thread(self._verify, hashed, password)
        return same and hashed is not None

    @cached_property
    def _anybody(self) -> str:
        """Compared with when there is no hash, so that an unknown account takes as long as a known one."""
        return self._hasher.hash("nobody has this password")

    def _verify(self, hashed: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(hashed or self._anybody, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
