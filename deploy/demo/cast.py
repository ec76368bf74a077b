"""Who writes, calls and posts, and what: a small day at a small shop.

Names are made up; addresses are of example.org (RFC 2606), numbers of the ranges that are kept for
films (+44 20 7946 0…, +44 7700 900…, +33 1 99 00 …).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
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
class Chat:
    """A message from inside the product. `claims`: what its site vouches for; empty for an
    anonymous visitor. `live`: they wait for the answer, over a WebSocket."""

    text: str
    subject: str = ""
    claims: Mapping[str, str | int] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    live: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text message."""

    number: str
    text: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the line. `presses`: after which words which key, a list has the key for
    each time that they hear them; `says`: their words once an agent is there."""

    name: str
    number: str
    presses: Mapping[str, Sequence[str]]
    says: tuple[str, ...]
    talks: int = 60
    """Seconds that they stay once they have said it all."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post on X. `complaint`: whether it should become a ticket; None for what is hard to say."""

    username: str
    name: str
    followers: int
    text: str
    complaint: bool | None = True


@dataclass(frozen=True, slots=True)
class Telephone:
    """One that a newcomer holds."""

    number: str
    name: str
    about: str = ""


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

MARGARET = "+442079460071"
AGENT = "+33199001201"
CHATS = (
    Chat(
        "Good morning. The new menu is hard for me to read and I cannot find where to print my invoice. "
        "Could somebody explain it to me, please?",
        "Printing an invoice",
        {
            "sub": "1044",
            "name": "Margaret Ellis",
            "email": "margaret.ellis@example.org",
            "phone": "+44 20 7946 0071",
            "birth_year": date.today().year - 71,  # noqa: DTZ011 - a birthday has no time zone
            "tier": "business",
            "locale": "en-GB",
        },
        {"billing": "yearly", "browser": "Firefox 144", "text size": "150 %"},
    ),
    Chat(
        "My card was charged twice for the same order, 2 × $24.00. Please refund one of them.",
        "Charged twice",
        {
            "sub": "2210",
            "name": "Daniel Park",
            "email": "daniel.park@example.org",
            "birth_year": date.today().year - 30,  # noqa: DTZ011
            "tier": "pro",
            "locale": "en-US",
        },
        {"order": "A-10311", "page": "Orders"},
    ),
    Chat(
        "My invoice for October never came. I shall call you about it this morning.",
        "October's invoice",
        {"sub": "1051", "name": "Rose Martin", "phone": "+44 20 7946 0018", "tier": "business", "locale": "en-GB"},
        {"billing": "monthly"},
    ),
    Chat("Hi! Do you ship to Norway, and how long does it take?", "Shipping"),
    Chat("Hello? I am at the checkout right now and my voucher is not taken. Is anybody there?", live=True),
)

TEXTS = (
    Text(
        "+447700900142",
        "Hi, it is Priya. The courier says delivered, but there is no parcel here. Can you check A-10388?",
    ),
    Text("+33199005512", "Bonjour, je voudrais changer l’adresse de livraison de ma commande A-10402. Merci, Karim"),
)

CALLERS = (
    Caller(
        "Rose Martin",
        "+442079460018",
        {"press 0": ["0"], "stay on the line": [""] * 20 + ["1"]},
        (
            "Hello? Oh good, a real person.",
            "My invoice for October never came, and I do not find my way in the new menu.",
            "Could you send it to me by post, please?",
        ),
    ),
    Caller(
        "Lucie Garnier",
        "+33199005518",
        {"appuyez sur 0": ["1"]},
        ("Allô ? Merci de me rappeler.", "Le vase est arrivé cassé. J’aimerais être remboursée."),
    ),
)

POSTS = (
    Post("norahayes", "Nora Hayes", 48_200, "@acme charged me twice for the same order and support ignores my emails"),
    Post(
        "ben_ortiz",
        "Ben Ortiz",
        310,
        "Still waiting for a refund from @acme after a month, worst customer service ever",
    ),
    Post("camille_r", "Camille Roux", 1_150, "@acme votre application ne marche plus depuis hier, c'est inadmissible"),
    Post("jihoon_lee", "이지훈", 860, "@acme 택배가 2주째 안 오는데 고객센터는 전화도 안 받아요"),
    Post("ana_duarte", "Ana Duarte", 95, "@acme do you ship to Portugal?", None),
    Post(
        "sam_w", "Sam Whitfield", 540, "Huge thanks to Anna at @acme for sorting it so quickly, you made my day", False
    ),
    Post("coffee_daily", "Coffee Daily", 22_000, "Best coffee in town @acme, will be back next week", False),
    Post("marketwire", "Market Wire", 310_000, "@acme reports record third-quarter revenue of 4 billion", False),
    Post("soyeon_k", "김소연", 410, "@acme 상담원님 덕분에 금방 해결됐어요 감사합니다", False),
    Post("luc_b", "Luc Bernard", 77, "Merci à Julie de @acme pour son aide, au top", False),
)

BURST = tuple(
    Post(username, name, followers, text)
    for username, name, followers, text in (
        ("ivy_chen", "Ivy Chen", 220, "@acme the checkout throws error 503 at payment, I cannot order anything"),
        ("tomk", "Tom K.", 64, "error 503 at the @acme checkout again, payment fails every time"),
        ("lena_v", "Lena Vogt", 930, "@acme checkout error 503, my payment was taken but there is no order. Fix this"),
        (
            "raj_p",
            "Raj Patel",
            1_900,
            "Is the @acme checkout broken for everyone? Error 503 at payment since noon, unacceptable",
        ),
        ("mo_said", "Mo Said", 45, "@acme payment fails with error 503 at checkout and nobody answers"),
        ("elsie_b", "Elsie Brown", 12_400, "@acme lost my basket three times, checkout error 503 on payment. Awful"),
    )
)

TELEPHONES = (
    Telephone(
        MARGARET,
        "Margaret, 71",
        "An older customer. She wrote once, and her shop told her year of birth: the desk knows that she prefers the phone.",
    ),
    Telephone("+33199005530", "Chloé, from France", "Her number is French, and so is the greeting."),
    Telephone("+447700900143", "Sam, 25", "Nobody here knows his age."),
)


def mail(letter: Letter, answered: tuple[str, ...]) -> EmailMessage:
    """Returns the letter as it goes over the wire. `answered`: Message-IDs of the letters before
    it in its thread, oldest first."""
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
