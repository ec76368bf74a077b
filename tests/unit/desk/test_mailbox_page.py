"""An admin who mistypes a mailbox's server is told so, whatever was typed."""

from __future__ import annotations

import pytest

from services.desk.web.pages.mailboxes import _port
from shared.errors import Rejected


@pytest.mark.parametrize("typed", ["", "imap", "-1", "0", "65536", "1.5", "9" * 5_000])
def test_what_is_no_port_is_refused_as_such(typed: str) -> None:
    with pytest.raises(Rejected) as refused:
        _port(typed)
    assert (refused.value.status, refused.value.code) == (422, "port")


def test_a_port_may_have_blanks_around_it() -> None:
    assert _port(" 993 ") == 993
