"""Simulators that start together never take each other's ports."""

import socket

import pytest

from cityhall_simulators import free_ports
from cityhall_simulators.free_ports import choose_ports, kept_ports

HOST = "127.0.0.1"


def test_a_kept_port_is_chosen_by_nobody_else_before_its_face_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with kept_ports(HOST, ["face"], 0) as ports:
        monkeypatch.setattr(free_ports, "_LOWEST", ports["face"])
        monkeypatch.setattr(free_ports, "_HIGHEST", ports["face"] + 1)
        monkeypatch.setattr(free_ports, "_ATTEMPTS_MAX", 1)
        with pytest.raises(OSError, match="no free port"):
            choose_ports(HOST, ["other"], 0)


def test_a_face_can_listen_at_its_kept_port_on_tcp_and_udp() -> None:
    with (
        kept_ports(HOST, ["face"], 0) as ports,
        socket.create_server((HOST, ports["face"])) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.create_connection((HOST, ports["face"]), timeout=5.0) as client,
    ):
        datagrams.bind((HOST, ports["face"]))
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"?")
            assert accepted.recv(1) == b"?"


def test_a_port_can_be_chosen_again_when_it_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with kept_ports(HOST, ["face"], 0) as ports:
        pass
    monkeypatch.setattr(free_ports, "_LOWEST", ports["face"])
    monkeypatch.setattr(free_ports, "_HIGHEST", ports["face"] + 1)
    monkeypatch.setattr(free_ports, "_ATTEMPTS_MAX", 1)
    assert choose_ports(HOST, ["face"], 0) == ports
