"""Ports for the faces: consecutive from a base, or free ones that are kept for us until the faces have them."""

import random
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

# Below the range from which the kernel takes the ports of outgoing connections.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS_MAX = 2_000


def choose_ports(host: str, labels: Iterable[str], base_port: int) -> dict[str, int]:
    """A port per label. ``base_port`` 0 looks for ports that are free for TCP and UDP just now."""
    with kept_ports(host, labels, base_port) as ports:
        return ports


@contextmanager
def kept_ports(host: str, labels: Iterable[str], base_port: int) -> Iterator[dict[str, int]]:
    """The same; ports that were found free stay ours, so that no other simulator takes one before a face has it."""
    if base_port:
        yield {label: base_port + number for number, label in enumerate(labels)}
        return
    chosen: dict[str, int] = {}
    # Seeded by the system: two simulators that start together must not try the same ports in the same order.
    candidates = iter(random.SystemRandom().sample(range(_LOWEST, _HIGHEST), _ATTEMPTS_MAX))
    with ExitStack() as kept:
        for label in labels:
            port = next((candidate for candidate in candidates if _keep(kept, host, candidate)), None)
            if port is None:
                msg = f"no free port between {_LOWEST} and {_HIGHEST} on {host}"
                raise OSError(msg)
            chosen[label] = port
        yield chosen


def _keep(kept: ExitStack, host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        if not _bound(probe, host, port):
            return False
    keeper = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if not _bound(keeper, host, port):
        keeper.close()
        return False
    # Bound alone, it refuses whoever probes; from now on a server that listens may share the port with it.
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.enter_context(keeper)
    return True


def _bound(probe: socket.socket, host: str, port: int) -> bool:
    try:
        probe.bind((host, port))
    except OSError:
        return False
    return True
