"""Flags win over the environment, the environment over the file, the file over the defaults."""

import os
from pathlib import Path

import pytest

from cityhall_bms.domain.errors import SiteError
from cityhall_bms.settings import child_environment, load_settings


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("CITYHALL_"):
            monkeypatch.delenv(name)


def test_without_anything_the_service_listens_on_loopback_with_embedded_services() -> None:
    settings = load_settings()

    assert (settings.api.host, settings.api.port) == ("127.0.0.1", 8800)
    assert settings.database.url == settings.nats.url == ""


def test_flags_beat_environment_beats_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cityhall.toml"
    file.write_text('data_dir = "/from/file"\n[api]\nhost = "127.0.0.2"\nport = 1\n[nats]\nurl = "nats://file"\n')
    monkeypatch.setenv("CITYHALL_API__PORT", "2")
    monkeypatch.setenv("CITYHALL_NATS__URL", "nats://environment")

    settings = load_settings(file, api={"port": 3})

    assert settings.api.port == 3
    assert settings.nats.url == "nats://environment"
    assert settings.api.host == "127.0.0.2"
    assert settings.data_dir == Path("/from/file")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[api]\nprot = 8800\n", "api.prot"),
        ("[api]\nport = 88000\n", "api.port"),
        ('[api]\nhost = "10.0.0.7"\n', "api"),
        ('[api]\nhost = "0.0.0.0"\n', "api"),
        ('[api]\nhost = "bms.example"\n', "api"),
        ('[api]\ntls_certificate = "/x.pem"\n', "api"),
        ('[api]\nproxies = ["the proxy"]\n', "api.proxies.0"),
        ("[collector]\ntick_s = 60\n", "collector.tick_s"),
        ('datadir = "x"\n', "datadir"),
        ("[alarms]\nrealarm_s = [1, 2, 3]\n", "alarms.realarm_s.3"),
        ("[alarms]\nescalate_s = [[60, 60], [], [], []]\n", "alarms"),
        ("[alarms]\nescalate_s = [[1, 2, 3, 4], [], [], []]\n", "alarms"),
        ('[alarms]\nshift_changes = ["7:00"]\n', "alarms.shift_changes.0"),
    ],
)
def test_a_mistake_in_the_file_names_its_key(tmp_path: Path, text: str, field: str) -> None:
    file = tmp_path / "cityhall.toml"
    file.write_text(text)

    with pytest.raises(SiteError) as failure:
        load_settings(file)

    assert [(problem.file, problem.field) for problem in failure.value.problems] == [(str(file), field)]


def test_a_missing_file_is_an_error_not_the_defaults(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no such file"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_worker_reads_the_same_settings_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        data_dir=Path("/some where/資料"), api={"port": 9, "allowed_hosts": ("a", "b")}, nats={"url": "nats://u:p@h:4"}
    )

    for name, value in child_environment(settings, EXTRA="1").items():
        monkeypatch.setenv(name, value)

    assert load_settings().model_dump() == settings.model_dump()
    assert os.environ["EXTRA"] == "1"


def test_how_alarms_are_followed_up_reaches_the_workers_as_it_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cityhall.toml"
    file.write_text('[alarms]\nescalate_s = [[30, 90], [], [300], []]\nescalate_to = ["甲", "乙"]\n', encoding="utf-8")

    for name, value in child_environment(load_settings(file)).items():
        monkeypatch.setenv(name, value)

    assert load_settings().alarms == load_settings(file).alarms
    assert load_settings().alarms.handling.escalate_s == ((30.0, 90.0), (), (300.0,), ())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_on_loopback_nothing_more_is_asked_for(host: str) -> None:
    assert load_settings(api={"host": host}).api.scheme == "http"


@pytest.mark.parametrize(
    "more", [{"tls_certificate": "/tls/chain.pem", "tls_key": "/tls/key.pem"}, {"proxies": ["10.0.0.2"]}]
)
def test_beyond_loopback_the_service_listens_with_tls_or_behind_a_proxy_that_speaks_it(more: dict[str, object]) -> None:
    api = load_settings(api={"host": "0.0.0.0", **more}).api

    assert api.scheme == ("https" if "tls_key" in more else "http")
