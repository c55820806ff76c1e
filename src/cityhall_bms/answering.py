"""Whether the service of this machine answers that all is well; asking needs no account."""

import asyncio
import ssl
from typing import Final

from cityhall_bms.settings import ApiSettings

ANSWER_WITHIN_S: Final = 10.0


async def answers(api: ApiSettings) -> bool:
    """Whether the API says that every part behind it answers."""
    # By a name that the API accepts; a pattern stands for any name.
    name = api.allowed_hosts[0].replace("*", "supervisor") if api.allowed_hosts else api.host
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            tls = _own_tls() if api.scheme == "https" else None
            reader, writer = await asyncio.open_connection(api.host, api.port, ssl=tls)
            try:
                writer.write(f"GET /readyz HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:
        return False


def _own_tls() -> ssl.SSLContext:
    """For asking ourselves whether we answer: our certificate is for names, and we ask an address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
