"""A channel says itself how a reply, a message and a preference are told; the desk has a general
phrase for any other."""

from __future__ import annotations

import pytest

from services.dashboard.channel import CHANNEL as CHAT
from services.desk.tickets.domain import is_spoken
from services.desk.web import render
from services.email.channel import CHANNEL as EMAIL
from services.phone.channel import CHANNEL as PHONE
from services.phone.channel import SMS
from shared.events import Channel, Wording

OURS = (EMAIL, CHAT, PHONE, SMS)


@pytest.mark.parametrize("channel", OURS, ids=lambda channel: channel.name)
@pytest.mark.parametrize("how", Wording.__struct_fields__)
def test_the_phrases_of_our_channels_are_translated(channel: Channel, how: str) -> None:
    told = {
        render.by_channel({channel.name: channel}, render.gettext(language), how, channel.name, who="Ann")
        for language in ("en", "fr", "ko")
    }
    assert len(told) == 3
    assert not any("%" in text for text in told)


@pytest.mark.parametrize("phrase", ["", "%(where)s", "100 %", "%d"])
def test_a_channel_without_phrases_or_with_others_is_named(phrase: str) -> None:
    pigeon = Channel(name="pigeon", label="Pigeon", icon="mail", reaches=("roof",), wording=Wording(to=phrase))
    said = render.by_channel({"pigeon": pigeon}, render.gettext("en"), "to", "pigeon", who="Ann")
    assert said == "To Ann, by: Pigeon"


def test_what_is_spoken_says_so_and_was_known_by_what_it_reaches_before_it_did() -> None:
    assert [channel.name for channel in OURS if is_spoken(channel)] == ["phone"]
    assert is_spoken(Channel(name="line", label="Line", icon="phone", reaches=("tel",), live=True))
