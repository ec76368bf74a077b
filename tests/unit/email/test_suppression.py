"""An address is not written to any more where its own server said that nobody is there, and only
where that is proven."""

from __future__ import annotations

import msgspec
import pytest

from services.desk.web.conversation.words import WHAT_TO_DO, WHY_UNDELIVERED
from services.email.domain.bounces import Fate, Returned
from services.email.domain.outgoing import message_id_of
from services.email.domain.reasons import Reason
from services.email.domain.references import reply_token
from services.email.domain.suppression import Why, gone, undelivered
from tests.unit.email.test_outgoing import BASE, IDENTITY, SECRET

COPIED = msgspec.structs.replace(BASE, cc=("lee@example.net",))
BY_ID = {"message_ids": (message_id_of(BASE, IDENTITY),)}
ANN, LEE = "ann@example.com", "lee@example.net"


def told(fate: Fate = Fate.FAILED, reason: Reason = Reason.NO_SUCH_ADDRESS, **evidence: tuple[str, ...]) -> Returned:
    nothing: dict[str, tuple[str, ...]] = {"message_ids": (), "tokens": (), "recipients": ()}
    return Returned(fate, "550 5.1.1 unknown user", reason=reason, **(nothing | evidence))


@pytest.mark.parametrize(
    ("returned", "addresses"),
    [
        (told(**BY_ID, recipients=(ANN,)), (ANN,)),
        (told(tokens=(reply_token(SECRET, BASE.ticket_id),), recipients=(ANN,)), (ANN,)),
        (told(**BY_ID, recipients=(ANN,), reason=Reason.CLOSED), (ANN,)),
        (told(**BY_ID, recipients=(LEE,)), (LEE,)),
        (told(**BY_ID, recipients=("elsewhere@forwarded.example",), aliases=(ANN,)), ()),
        (told(**BY_ID), ()),
        (told(recipients=(ANN,)), ()),
        (told(tokens=(reply_token(SECRET, "another ticket"),), recipients=(ANN,)), ()),
        (told(Fate.DELAYED, **BY_ID, recipients=(ANN,)), ()),
        *((told(**BY_ID, recipients=(ANN,), reason=reason), ()) for reason in Reason if reason not in ("no-such-address", "closed")),
    ],
)  # fmt: skip
def test_only_a_proven_word_that_nobody_is_there_stops_mail_to_whom_we_wrote(
    returned: Returned, addresses: tuple[str, ...]
) -> None:
    assert gone(returned, COPIED, SECRET) == addresses


def test_where_it_went_to_one_address_only_that_one_is_meant() -> None:
    assert gone(told(**BY_ID), BASE, SECRET) == (ANN,)


def test_the_desk_has_words_for_each_reason() -> None:
    reasons = {*map(str, Reason)} - {"unsaid"} | {undelivered(why) for why in Why}
    assert reasons == set(WHY_UNDELIVERED) == set(WHAT_TO_DO)
