"""Messages over real connections: a web hook, a mail server, and everything that can go wrong with them."""

import asyncio
import base64
import json
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from tests.support.web_hook import WebHook

from cityhall_bms.adapters import apprise_notifier
from cityhall_bms.adapters.apprise_notifier import AppriseNotifier, ChannelsFile, read_channels
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.notifications import Delivery, Outcome

SECRET = "s3cr3t"
TITLE, TEXT = "【P1 緊急】火警", "火警\n地點：五樓\n\nFire error=599 connection refused"


def hook_address(port: int, path: str) -> str:
    return f"json://bms:{SECRET}@127.0.0.1:{port}/{path}"


async def sent(address: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Delivery:
    """Send by an address, and see that nothing that was said anywhere shows it."""
    with caplog.at_level(logging.DEBUG):
        delivery = await AppriseNotifier({"c": address}).send("c", TITLE, TEXT)
    shown = caplog.text + "".join(capfd.readouterr()) + delivery.reason
    assert SECRET not in shown
    assert address not in shown
    return delivery


async def test_a_web_hook_gets_title_and_text_as_they_are(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with WebHook() as hook:
        assert await sent(hook_address(hook.port, "x"), caplog, capfd) == Delivery(Outcome.ACCEPTED)

    (body,) = hook.bodies
    said = json.loads(body)
    assert (said["title"], said["message"]) == (TITLE, TEXT)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_a_refusal_is_told_by_its_status_and_certainly_did_not_arrive(
    status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with WebHook(status) as hook:
        delivery = await sent(hook_address(hook.port, "x"), caplog, capfd)
    assert delivery == Delivery(Outcome.NOT_SENT, f"the channel refused it with status {status}")


async def test_nobody_there_certainly_did_not_take_it(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    unreachable = Delivery(Outcome.NOT_SENT, "the channel cannot be reached")
    assert await sent(hook_address(unused_tcp_port, "x"), caplog, capfd) == unreachable
    mail = f"mailto://u:{SECRET}@127.0.0.1:{unused_tcp_port}?to=a@example.test&from=b@example.test&mode=insecure"
    assert await sent(mail, caplog, capfd) == unreachable


async def test_a_connection_that_breaks_after_the_message_leaves_it_uncertain(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with WebHook(0) as hook:
        delivery = await sent(hook_address(hook.port, "x"), caplog, capfd)
    assert len(hook.bodies) == 1
    assert delivery == Delivery(Outcome.UNCERTAIN, "the connection broke before the channel answered")


async def test_a_channel_that_does_not_answer_leaves_it_uncertain(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async with WebHook(-1) as hook:
        delivery = await sent(hook_address(hook.port, "x") + "?rto=0.2", caplog, capfd)
    assert delivery == Delivery(Outcome.UNCERTAIN, "the channel did not answer in time")


async def test_a_library_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_notifier, "GIVE_UP_AFTER_S", 0.1)
    async with WebHook(-1) as hook:
        delivery = await AppriseNotifier({"c": hook_address(hook.port, "x") + "?rto=2"}).send("c", TITLE, TEXT)
    assert delivery.outcome is Outcome.UNCERTAIN


async def test_a_channel_without_an_address_says_so() -> None:
    assert await AppriseNotifier({}).send("wang_line", TITLE, TEXT) == Delivery(
        Outcome.NOT_SENT, "no address is known for the channel wang_line"
    )


class TestMail:
    """A real SMTP conversation."""

    async def test_a_mail_arrives_with_its_chinese_subject(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async with mail_server() as (port, mails):
            delivery = await sent(mail_address(port), caplog, capfd)

        assert delivery == Delivery(Outcome.ACCEPTED)
        (data,) = mails
        mail = message_from_bytes(data)
        assert str(make_header(decode_header(mail["Subject"]))) == TITLE
        assert "地點：五樓" in _text_of(mail)

    async def test_a_recipient_who_is_refused_certainly_got_nothing(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        async with mail_server(refuses=b"RCPT") as (port, mails):
            delivery = await sent(mail_address(port), caplog, capfd)

        assert mails == []
        assert delivery == Delivery(Outcome.NOT_SENT, "the channel refused it with status 550")


class TestAddresses:
    """The file of secrets."""

    def test_it_gives_addresses_by_channel_and_is_read_anew_when_it_changed(self, tmp_path: Path) -> None:
        file = tmp_path / "channels.toml"
        channels = ChannelsFile(file)
        assert (list(channels), len(channels)) == ([], 0)

        file.write_text(
            'wang_mail = "mailtos://u:p@mail.example:587?to=wang@example.test"\nwang_line = "line://token/U123"\n'
        )
        assert channels.keys() == {"wang_mail", "wang_line"}
        assert channels["wang_line"] == "line://token/U123"

        file.write_text('wang_line = "line://another-token/U123"\n')
        assert dict(channels) == {"wang_line": "line://another-token/U123"}
        file.unlink()
        assert dict(channels) == {}

    async def test_who_asks_while_it_is_read_waits_for_what_it_says(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "channels.toml"
        file.write_text('a = "json://127.0.0.1/"\n')
        channels = ChannelsFile(file)
        begun, go_on = threading.Event(), threading.Event()

        def read_slowly(path: Path) -> dict[str, str]:
            begun.set()
            assert go_on.wait(30.0)
            return read_channels(path)

        monkeypatch.setattr(apprise_notifier, "read_channels", read_slowly)
        first = asyncio.create_task(asyncio.to_thread(channels.get, "a"))
        await asyncio.to_thread(begun.wait, 30.0)
        second = asyncio.create_task(asyncio.to_thread(channels.get, "a"))
        await asyncio.wait([second], timeout=0.1)
        go_on.set()

        assert await asyncio.gather(first, second) == ["json://127.0.0.1/"] * 2

    def test_a_change_with_a_mistake_is_told_once_and_what_was_read_before_stays(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "channels.toml"
        file.write_text('a = "json://127.0.0.1/"\n')
        channels = ChannelsFile(file)
        assert dict(channels) == {"a": "json://127.0.0.1/"}

        file.write_text('a = "nonsense://s3cr3t"\n')
        assert channels["a"] == channels["a"] == "json://127.0.0.1/"

        said = "".join(capfd.readouterr())
        assert said.count("cannot be read") == 1
        assert SECRET not in said

    @pytest.mark.parametrize("text", ['a = "nonsense://s3cr3t"', "a = 3", "[a]\nb = 's3cr3t'", "a = s3cr3t"])
    def test_a_mistake_in_it_is_named_and_never_shown(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "channels.toml"
        file.write_text(text)
        with pytest.raises(SiteError) as caught:
            read_channels(file)
        assert "channels.toml:1" in str(caught.value)
        assert SECRET not in str(caught.value)


def mail_address(port: int) -> str:
    return f"mailto://127.0.0.1:{port}?to=wang@example.test&from=bms@example.test&mode=insecure&pass={SECRET}"


def _text_of(mail: object) -> str:
    parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]  # type: ignore[attr-defined]
    return "".join(part.get_payload(decode=True).decode() for part in parts)


@asynccontextmanager
async def mail_server(refuses: bytes = b"-") -> AsyncIterator[tuple[int, list[bytes]]]:
    """As much of RFC 5321 as a client needs; ``refuses`` is the command that gets a 550."""
    mails: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.test ESMTP\r\n")
        while line := await reader.readline():
            if line.upper().startswith(refuses):
                writer.write(b"550 5.1.1 no such mail box\r\n")
            elif line.upper().startswith((b"EHLO", b"HELO")):
                writer.write(b"250-mail.example.test\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n")
            elif line.upper().startswith(b"AUTH"):
                writer.write(b"235 2.7.0 ok\r\n")
            elif line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                mails.append((await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n"))
                writer.write(b"250 2.0.0 queued\r\n")
            elif line.upper().startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], mails


async def test_files_go_along_where_the_channel_takes_them_and_one_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "monthly.pdf").write_bytes(b"%PDF-1.7 whole")
    async with WebHook() as hook:
        notifier = AppriseNotifier({"c": f"json://127.0.0.1:{hook.port}/"}, tmp_path)
        sent = await notifier.send("c", TITLE, TEXT, ["reports/monthly.pdf", "reports/gone.pdf"])
    assert sent == Delivery(Outcome.ACCEPTED)
    [body] = [json.loads(body) for body in hook.bodies]
    assert [(each["filename"], base64.b64decode(each["base64"])) for each in body["attachments"]] == [
        ("monthly.pdf", b"%PDF-1.7 whole")
    ]
