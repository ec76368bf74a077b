"""A real Dovecot for tests, on a port and in a folder of its own."""

from __future__ import annotations

import getpass
import imaplib
import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.certificate import self_signed
from tests.conftest import ON_CI, engine_folder
from tests.waiting import eventually

PASSWORD = "a password, also 비밀번호"
_PROGRAM = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


def needs_dovecot() -> None:
    """Skips where Dovecot is not installed; on CI it has to be."""
    words = ""
    if _PROGRAM is None:
        words = "Dovecot is not installed: `python -m deploy.local.debian` installs it as root on Debian"
    elif not (version := subprocess.check_output([_PROGRAM, "--version"], text=True)).startswith("2.3."):
        words = f"these tests are written for Dovecot 2.3, whose settings others do not read; here is {version.strip()}"
    if words:
        (pytest.fail if ON_CI else pytest.skip)(words)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dovecot:
    """Takes every user with PASSWORD; a mailbox is made when it is first opened."""

    def __init__(self, home: Path, port: int, asks: str = "") -> None:
        """Makes its settings. `asks`: where it asks whether an access token is good (RFC 7662)."""
        self.home, self.port, self.tls_port = home, port, free_port()
        self.certificate = self_signed(home)
        self._process: subprocess.Popen[bytes] | None = None
        root = os.geteuid() == 0
        self._user = "mail" if root else getpass.getuser()
        service_users = "" if root else f"default_login_user = {self._user}\ndefault_internal_user = {self._user}\n"
        group = "mail" if root else pwd.getpwuid(os.geteuid()).pw_gid
        self.mails = home / "mails"
        self.mails.mkdir()
        if root:
            shutil.chown(self.mails, "mail", "mail")
        self.settings = home / "dovecot.conf"
        self.settings.write_text(
            f"""
            base_dir = {home}/run
            state_dir = {home}/state
            log_path = {home}/log
            protocols = imap
            listen = 127.0.0.1
            ssl = yes
            ssl_cert = <{self.certificate}
            ssl_key = <{self.certificate}
            disable_plaintext_auth = no
            auth_mechanisms = plain login {"xoauth2" if asks else ""}
            auth_failure_delay = 0
            first_valid_uid = 1
            mail_location = maildir:{self.mails}/%u
            maildir_very_dirty_syncs = yes
            mail_fsync = never
            mail_max_userip_connections = 50
            {service_users}
            namespace inbox {{
              inbox = yes
              separator = /
              mailbox Junk {{
                special_use = \\Junk
                auto = create
              }}
            }}
            {_passdb(home, asks)}
            passdb {{
              driver = static
              args = password={PASSWORD.replace(" ", "")}
            }}
            userdb {{
              driver = static
              args = uid={self._user} gid={group} home={self.mails}/%u
            }}
            service imap-login {{
              {"" if root else "chroot ="}
              inet_listener imap {{
                port = {port}
              }}
              inet_listener imaps {{
                port = {self.tls_port}
              }}
            }}
            service anvil {{
              chroot =
            }}
            """
        )

    @property
    def pid(self) -> int:
        """Its first process, which started the others."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Returns once it listens."""
        assert _PROGRAM
        with (self.home / "out").open("ab") as out:
            self._process = subprocess.Popen([_PROGRAM, "-F", "-c", str(self.settings)], stdout=out, stderr=out)

        def listens() -> bool:
            assert self._process
            assert self._process.poll() is None, (self.home / "out").read_text()
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True

        eventually(listens, "Dovecot listens", 20)

    def stop(self) -> None:
        """Ends it and its children."""
        if self._process:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def client(self, user: str) -> imaplib.IMAP4:
        """Python's own client, so that a test does not look through what it tests."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        client.authenticate("PLAIN", lambda _: f"\0{user}\0{password()}".encode())
        return client

    def deliver(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        """Puts mails into a folder, in order."""
        client = self.client(user)
        with suppress(imaplib.IMAP4.error):
            client.create(folder)
        for mail in mails:
            assert client.append(folder, None, None, mail)[0] == "OK"
        client.logout()

    def subjects(self, user: str, folder: str = "INBOX", wanted: str = "ALL") -> list[str]:
        """Subjects of the mails that are in a folder, looked at without a trace."""
        client = self.client(user)
        try:
            if client.select(folder, readonly=True)[0] != "OK":
                return []
            found = client.search(None, wanted)[1][0].split()
            return [
                client.fetch(one, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip()[9:] for one in found
            ]
        finally:
            client.logout()

    def change_validity(self, user: str, folder: str = "INBOX") -> None:
        """Gives a folder another UIDVALIDITY, as after a restore."""
        done = subprocess.run(
            ["doveadm", "-c", str(self.settings), "mailbox", "update", "-u", user, "--uid-validity", "77", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _passdb(home: Path, asks: str) -> str:
    if not asks:
        return ""
    settings = home / "oauth2.conf"
    settings.write_text(
        f"introspection_url = {asks}?token=\nintrospection_mode = get\nusername_attribute = email\n"
        "active_attribute = active\nactive_value = true\n"
    )
    return f"passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {settings}\n }}"


def password() -> str:
    """The password that every user has."""
    return PASSWORD.replace(" ", "")


@contextmanager
def running(asks: str = "") -> Iterator[Dovecot]:
    """Runs one; skips the test where it cannot."""
    needs_dovecot()
    with engine_folder() as folder:
        dovecot = Dovecot(folder, free_port(), asks)
        dovecot.start()
        try:
            yield dovecot
        finally:
            dovecot.stop()
