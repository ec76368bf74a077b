"""How a mailbox at an IMAP server may be configured."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.email.imap_mailboxes import Given


def given(**more: Any) -> Given:
    return Given.model_validate({"address": "support@example.org", "host": "imap.example.org", **more})


def test_inbox_is_one_folder_in_whatever_case_it_is_written() -> None:
    assert given(folders=["inbox", "Shop"], junk="Inbox").folders == ["INBOX", "Shop"]
    for where in ("inbox", "INBOX", "Inbox"):
        with pytest.raises(ValidationError, match="cannot be the one that mails are moved to"):
            given(after="move", move_to=where)


@pytest.mark.parametrize("field", ["username", "password", "move_to", "junk"])
def test_no_second_command_hides_behind_a_line_end(field: str) -> None:
    with pytest.raises(ValidationError, match=rf"{field}"):
        given(**({"after": "move"} if field == "move_to" else {}), **{field: "x\r\nA1 DELETE INBOX"})
