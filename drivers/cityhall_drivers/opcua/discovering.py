"""Looking into an OPC UA server: what it offers, who made it, and its variables as points. Reads only."""

import re
from collections.abc import AsyncIterator
from typing import Final

from cityhall_bms.domain.errors import DeviceUnreachableError
from cityhall_bms.ports.capabilities import FoundDevice, Plain
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.certificates import fingerprint
from cityhall_drivers.opcua.found import Search, parse_where, points_of
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_browse import makers_of, variables_below
from cityhall_drivers.opcua.troubles import POLICIES, Offer

_STRONG: Final = ("Aes256_Sha256_RsaPss", "Aes128_Sha256_RsaOaep")
_NOT_WHOLE: Final = "時間或數量到限，未看完 not everything was seen"
_NAME: Final = re.compile(r"[^a-z0-9]+")


class Discovering:
    """Capability of the factory."""

    async def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        """Give the server at ``URL[ under NODEID][ site FOLDER security POLICY server-certificate FILE ...]``.

        A server that lets nobody in without encryption or user, asked without them, comes without points: its text
        says what it offers. :class:`DeviceUnreachableError` in plain words when nothing answers.
        """
        search = parse_where(where)
        until_s = clock.monotonic() + within_s
        session = OpcUaSession(search.device, search.config, clock)
        offers = await session.offers()
        if offers is None:
            msg = f"{search.config.url}: 沒有 OPC UA 伺服器回應 no OPC UA server answers"
            raise DeviceUnreachableError(msg)
        if not search.config.encrypted and all(offer.encrypts for offer in offers):
            yield _found(search, offers)
            return
        try:
            await session.connect()
        except DeviceUnreachableError as error:
            if search.config.encrypted:
                raise
            yield _found(search, offers, str(error))
            return
        try:
            vendor, model = await makers_of(session)
            variables, is_whole = await variables_below(session, search.under, lambda: clock.monotonic() >= until_s)
        finally:
            await session.close()
        found = _found(search, offers, "" if is_whole else _NOT_WHOLE)
        yield FoundDevice(
            found.name, found.text, found.protocol, found.settings, points_of(variables), vendor=vendor, model=model
        )


def _found(search: Search, offers: list[Offer], note: str = "") -> FoundDevice:
    """Describe a server by what it shows to everybody."""
    policies = {offer.policy.removeprefix(POLICIES) for offer in offers}
    prints = sorted({fingerprint(offer.certificate) for offer in offers if offer.certificate})
    text = f"{search.config.url} 提供 offers {', '.join(sorted(policies))}"
    text += "".join(f", 憑證指紋 certificate SHA-256 {one}" for one in prints)
    settings: dict[str, Plain] = {key: str(value) for key, value in search.device.settings.items()}
    strong = [policy for policy in _STRONG if policy in policies]
    if not search.config.encrypted and "None" not in policies and strong:
        settings["security"] = strong[0]
    host = search.config.url.removeprefix("opc.tcp://").partition("/")[0]
    return FoundDevice(
        name=f"opcua-{_NAME.sub('-', host.lower()).strip('-')}",
        text=", ".join(part for part in (text, note) if part),
        protocol="opcua",
        settings=settings,
    )
