"""Who writes, and what: a small day at a small shop. Names, addresses and numbers are made up (RFC 2606, example.org)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formataddr, make_msgid

MAILBOX = "support@example.org"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail. `answers`: the place in the list of the letter that it follows up."""

    name: str
    address: str
    subject: str
    text: str
    html: str = ""
    file: tuple[str, str, str, bytes] | None = None
    """Name, main type, subtype, bytes."""
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A message from inside the product. `claims`: what its site vouches for; empty for an anonymous visitor."""

    text: str
    subject: str = ""
    claims: Mapping[str, str | int] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


LETTERS = (
    Letter(
        "Owen Hart",
        "owen.hart@example.org",
        "Checkout is down",
        "Hello,\n\nsince 9:10 our checkout is down: every customer sees a server error and nobody can pay.\n"
        "We lose orders by the minute, please look at it right now.\n\nOwen Hart\nHart & Sons, Leeds\n",
    ),
    Letter(
        "Margaux Lefèvre",
        "margaux.lefevre@example.org",
        "Prélevée deux fois : remboursement ?",
        "Bonjour,\n\nj’ai été prélevée deux fois de 49,90 € pour la facture de septembre.\n"
        "Pouvez-vous me rembourser le second prélèvement ? La facture est jointe.\n\nMerci d’avance,\nMargaux Lefèvre\n",
        html="<p>Bonjour,</p><p>j’ai été prélevée <b>deux fois</b> de <span style='color:#b42318'>49,90&nbsp;€</span> pour la facture "
        "de septembre.</p><p>Pouvez-vous me <i>rembourser</i> le second prélèvement ? La facture est jointe.</p>"
        "<p>Merci d’avance,<br>Margaux Lefèvre</p><script>document.title = 'never runs'</script>",
        file=("facture-septembre.txt", "text", "plain", "Facture 2041 · septembre · 49,90 €\n".encode()),
    ),
    Letter(
        "김민지",
        "minji.kim@example.org",
        "로그인이 안 됩니다",
        "안녕하세요.\n\n어제 비밀번호를 바꾼 뒤로 로그인할 수 없습니다. 비밀번호 재설정 메일도 오지 않습니다.\n"
        "오늘 안에 주문을 처리해야 하니 빨리 확인해 주세요.\n\n감사합니다.\n김민지 드림\n",
    ),
    Letter(
        "Sofia Ricci",
        "sofia.ricci@example.org",
        "Thank you!",
        "I just wanted to say thank you: the new export saved me a whole afternoon. Lovely work, and no answer needed.\n\nSofia\n",
    ),
    Letter(
        'Tom "T.J." O\'Neill, Jr.',
        "tj.oneill@example.org",
        'Fwd: Re: AW: <b>50% off</b> "No. 7/2" – what; now? [#1042] 🙃 한글/ñ',
        "The subject is what your shop printed on my receipt, I did not make it up.\n"
        "Does the 50% voucher still count in November?\n\nT.J.\n",
    ),
    Letter(
        "Owen Hart",
        "owen.hart@example.org",
        "Re: Checkout is down",
        "It is still down, and now the admin page shows the same error. Is anybody looking at it?\n\nOwen\n",
        answers=0,
    ),
)

POSTS = (
    Post(
        "Good morning. The new menu is hard for me to read and I cannot find where to print my invoice. "
        "Could somebody explain it to me, please?",
        "Printing an invoice",
        {
            "sub": "1044",
            "name": "Rose Martin",
            "email": "rose.martin@example.org",
            "phone": "+44 20 7946 0018",
            "birth_year": 1955,
            "tier": "business",
            "locale": "en-GB",
        },
        {"plan": "Business, yearly", "browser": "Firefox 144", "text size": "150 %"},
    ),
    Post(
        "My card was charged twice for the same order, 2 × $24.00. Please refund one of them.",
        "Charged twice",
        {
            "sub": "2210",
            "name": "Daniel Park",
            "email": "daniel.park@example.org",
            "birth_year": 1996,
            "tier": "pro",
            "locale": "en-US",
        },
        {"order": "A-10311", "page": "Orders"},
    ),
    Post("Hi! Do you ship to Norway, and how long does it take?", "Shipping"),
)


def mail(letter: Letter, answered: tuple[str, ...]) -> EmailMessage:
    """The letter as it goes over the wire. `answered`: Message-IDs of the letters before it in its thread, oldest first."""
    message = EmailMessage()
    message["From"] = formataddr((letter.name, letter.address))
    message["To"] = MAILBOX
    message["Subject"] = letter.subject
    message["Message-ID"] = make_msgid("demo", "example.org")
    if answered:
        message["In-Reply-To"] = answered[-1]
        message["References"] = " ".join(answered)
    message.set_content(letter.text)
    if letter.html:
        message.add_alternative(letter.html, subtype="html")
    if letter.file:
        name, main, sub, data = letter.file
        message.add_attachment(data, main, sub, filename=name)
    return message
