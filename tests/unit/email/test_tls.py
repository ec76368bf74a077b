"""Nobody on the way reads customers' mails or the relay's password."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509

from services.email import app
from services.email.adapters.certificate import kept_context
from services.email.adapters.relay import Relay, RelaySender
from services.email.domain.outgoing import OutgoingMail
from services.email.settings import EmailSettings
from shared.attempts import Result
from shared.errors import Misconfigured


def test_a_certificate_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = kept_context(folder, "mx.example.org")
    made = (folder / "smtp.pem").read_bytes()
    assert isinstance(first, ssl.SSLContext)
    assert (folder / "smtp.pem").stat().st_mode & 0o777 == 0o600
    assert x509.load_pem_x509_certificate(made).subject.rfc4514_string() == "CN=mx.example.org"
    kept_context(folder, "mx.example.org")
    assert (folder / "smtp.pem").read_bytes() == made
    kept_context(folder, "other.example.org")
    assert (folder / "smtp.pem").read_bytes() != made
    assert [path.name for path in folder.iterdir()] == ["smtp.pem"]


def test_a_certificate_that_cannot_be_used_is_said_with_the_name_of_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for settings, name in (
        (EmailSettings(tls_folder=tmp_path / "file" / "tls"), "EMAIL_TLS_FOLDER"),
        (EmailSettings(tls_certificate=tmp_path / "none.pem"), "EMAIL_TLS_CERTIFICATE"),
    ):
        with pytest.raises(Misconfigured, match=name):
            app._tls(settings)


def test_a_relays_password_is_not_sent_in_the_open_unless_it_is_said() -> None:
    known = {"relay_host": "relay.example.org", "relay_user": "ann", "relay_password": "secret"}
    with pytest.raises(Misconfigured, match="EMAIL_RELAY_PASSWORD_WITHOUT_TLS"):
        app.sender(EmailSettings(**known, relay_tls="none"))  # type: ignore[arg-type]
    for settings, tls in (
        (EmailSettings(**known), "starttls"),  # type: ignore[arg-type]
        (EmailSettings(**known, relay_tls="tls"), "tls"),  # type: ignore[arg-type]
        (EmailSettings(**known, relay_tls="none", relay_password_without_tls=True), "none"),  # type: ignore[arg-type]
        (EmailSettings(relay_host="relay.example.org"), "auto"),
        (EmailSettings(relay_host="relay.example.org", relay_tls="none"), "none"),
    ):
        assert app.sender(settings)._relay.tls == tls  # type: ignore[attr-defined]


async def test_a_relay_that_offers_no_tls_any_more_does_not_hear_the_password() -> None:
    heard: list[object] = []

    def listen(*words: object) -> AuthResult:
        heard.append(words)
        return AuthResult(success=True)

    def session() -> SMTP:
        return SMTP(object(), hostname="relay.test", authenticator=listen, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    careful = RelaySender(Relay("127.0.0.1", port, "ann", "secret", "starttls"), 10)
    assert "offers no TLS, and its password is not sent without" in await careful.check()
    mail = OutgoingMail("one", "<one@x>", "support@example.org", "ann@example.com", b"Subject: x\r\n\r\nx\r\n")
    assert (await careful.send(mail)).result is Result.LATER
    assert heard == []
    assert await RelaySender(Relay("127.0.0.1", port, "ann", "secret", "none"), 10).check() == ""
    assert len(heard) == 1
    server.close()
    await server.wait_closed()
