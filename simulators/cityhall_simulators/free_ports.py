"""Ports for the faces: consecutive from a base, or free ones."""

import random
import socket
from collections.abc import Iterable

# Below the range from which the kernel takes the ports of outgoing connections.
_LOWEST, _HIGHEST = 20_000, 32_000
_ATTEMPTS_MAX = 2_000


def choose_ports(host: str, labels: Iterable[str], base_port: int) -> dict[str, int]:
    """A port per label. ``base_port`` 0 looks for ports that are free for TCP and UDP just now."""
    if base_port:
        return {label: base_port + number for number, label in enumerate(labels)}
    chosen: dict[str, int] = {}
    # Seeded by the system: two simulators that start together must not try the same ports in the same order.
    candidates = random.SystemRandom().sample(range(_LOWEST, _HIGHEST), _ATTEMPTS_MAX)
    for label in labels:
        port = next((c for c in candidates if c not in chosen.values() and _is_free(host, c)), None)
        if port is None:
            msg = f"no free port between {_LOWEST} and {_HIGHEST} on {host}"
            raise OSError(msg)
        chosen[label] = port
    return chosen


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
