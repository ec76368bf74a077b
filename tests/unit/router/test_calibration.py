"""Thirty messages as people write them, and the level that an experienced dispatcher would give
each; and what only sounds alarming."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.events import InboundMessage, Profile
from shared.kernel import Level
from tests.unit.router.makers import NOW, ann, decided, mail, severities

URGENT, HIGH, NORMAL, LOW = Level
PRO = ann(tier="pro")
ENTERPRISE = ann(tier="enterprise")
INSISTING = ann(recent_contacts=tuple(NOW - timedelta(hours=hours) for hours in (2, 5, 9)))


@pytest.mark.parametrize(
    ("message", "profile", "level"),
    [
        # The shop stands still, somebody is in danger, or somebody waits on the line about
        # something grave.
        (mail("Since 9:10 our checkout is down. Every customer sees a server error."), None, URGENT),
        (mail("Bonjour, le site est en panne depuis ce matin et nous ne pouvons plus rien vendre.", language="fr"), None, URGENT),
        (mail("오늘 아침부터 서버 장애가 발생해서 주문을 받을 수 없습니다.", language="ko"), None, URGENT),
        (mail("Guten Morgen, seit einer Stunde ist der Shop nicht erreichbar.", language="de"), None, URGENT),
        (mail("Hola, la página se cayó y perdemos ventas.", language="es"), None, URGENT),
        (mail("Bom dia, o site caiu de novo e não conseguimos vender.", language="pt"), None, URGENT),
        (mail("Il sito è giù da stamattina, non possiamo lavorare.", language="it"), None, URGENT),
        (mail("朝からサーバーが落ちていて、注文を受けられません。", language="ja"), None, URGENT),
        (mail("I think somebody hacked my account: there are orders that I never made."), None, URGENT),
        (mail("All our orders from last week have disappeared. Orders since Monday disappeared too."), None, URGENT),
        (mail("I was charged twice and I want my money back.", channel="phone", live=True), None, URGENT),
        (mail("If I have no answer today my lawyer will write to you.", tier="enterprise"), ENTERPRISE, URGENT),
        (mail("My shop is down", complaint=0.9, public=True, reach=50_000), None, URGENT),
        # Money, a locked door, a lawyer, a person on the line, a storm brewing in public.
        (mail("Hi, I sent the blanket back two weeks ago and there is no refund yet."), None, HIGH),
        (mail("J’ai été débité deux fois pour la même commande.", language="fr"), None, HIGH),
        (mail("어제 비밀번호를 바꾼 뒤로 로그인할 수 없습니다.", language="ko"), None, HIGH),
        (mail("Ich kann mich seit gestern nicht mehr einloggen.", language="de"), None, HIGH),
        (mail("Me cobraron dos veces el mismo pedido.", language="es"), None, HIGH),
        (mail("二重に請求されています。確認してください。", language="ja"), None, HIGH),
        (mail("Good morning, I would like to change my delivery address.", channel="phone", live=True), None, HIGH),
        (mail("Two weeks and nobody answers. Terrible service!", complaint=0.95, public=True, reach=1_200), None, HIGH),
        (mail("Bitte bestätigen Sie den Eingang, sonst gehe ich vor Gericht.", language="de"), None, HIGH),
        # Everyday questions, also from good customers and from people who write again.
        (mail("Do you ship to Norway, and how long does it take?"), None, NORMAL),
        (mail("Where is my order A-10510? The tracking has not moved since Friday."), PRO, NORMAL),
        (mail("Et pour la livraison de samedi, rien de nouveau ?", language="fr"), INSISTING, HIGH),
        (mail("교환하고 싶은데 어떻게 해야 하나요?", language="ko"), None, NORMAL),
        # What nobody waits for, and what no person wrote.
        (mail("Thank you, the new lamp is lovely!"), None, LOW),
        (mail("Love the new candle holder, great work", channel="x", public=True, reach=300, complaint=0.05), None, LOW),
        (mail("I am out of office until Monday. In urgent cases our site is down page helps.", automatic="reply"), None, LOW),
        (mail("Your message could not be delivered.", automatic="bounce"), None, LOW),
    ],
)  # fmt: skip
def test_an_experienced_dispatcher_would_agree(message: InboundMessage, profile: Profile | None, level: Level) -> None:
    decision = decided(message, profile)
    assert decision.level is level, (decision.score, [reason.text for reason in decision.reasons])


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I saw your chairs at the tennis court"),
        ("en", "I wiped the table and the stain stayed"),
        ("en", "Your prices went down, how nice"),
        ("en", "My parcel was stolen from the doorstep"),
        ("en", "The colours are stunning, I am breaching my budget"),
        ("fr", "Quelle plante verte va dans ce pot ?"),
        ("fr", "Je plante des tomates, quel pot me conseillez-vous ?"),
        ("fr", "Le produit est indisponible : quand revient-il ?"),
        ("fr", "Un panneau solaire pour ma terrasse, en stock ?"),
        ("fr", "Un drapeau de pirate pour mon fils, en stock ?"),
        ("fr", "Le colis est tombé, mais rien n’est cassé"),
        ("ko", "장애인 할인이 되나요?"),
        ("ko", "장애가 있는 동생에게 줄 선물입니다"),
        ("ko", "참기름이 정말 고소해요"),
        ("ko", "뚜껑이 잘 열리지 않아요"),
        ("ko", "주문 취소해 주세요"),
        ("ko", "스트레스가 다 날아갔어요, 감사합니다"),
        ("de", "Entschuldigen Sie die Störung, haben Sie den Topf in Blau?"),
        ("de", "Entschuldigung für die Störung, eine kurze Frage"),
        ("de", "Welches Gericht aus dem Kochbuch passt zu diesem Topf?"),
        ("de", "Die Lampe läuft störungsfrei, danke"),
        ("de", "Ihre Datenschutzerklärung habe ich gelesen"),
        ("de", "Es gilt unsere Datenschutzerklärung gemäß Art. 13 DSGVO"),
        ("de", "Die alte Adresse wurde gelöscht, danke"),
        ("de", "Der Akku lädt nicht ganz voll, ist das normal?"),
        ("es", "La cortina tiene una caída preciosa"),
        ("es", "¿Cuál es el consumo de la lámpara?"),
        ("es", "El producto no está disponible, ¿cuándo vuelve?"),
        ("es", "Hay mucha demanda, ¿tendrán stock?"),
        ("es", "¿Cómo hago una devolución de la camisa?"),
        ("es", "Se me cayó el jarrón, ¿venden repuestos?"),
        ("es", "El móvil no carga con este cable"),
        ("es", "Hay una filtración de agua en la maceta"),
        ("pt", "Foi um golpe de sorte encontrar a loja"),
        ("pt", "Moro perto do tribunal, entregam ali?"),
        ("pt", "O preço caiu, que bom!"),
        ("pt", "Como posso processar uma troca?"),
        ("pt", "A tampa não abre"),
        ("pt", "O produto está indisponível, quando volta?"),
        ("it", "L’offerta vale anche offline, in negozio?"),
        ("it", "L’ordine è stato cancellato, grazie"),
        ("it", "Il prezzo è giù rispetto a ieri, bene"),
        ("it", "Serve un garante per il pagamento a rate?"),
        ("ja", "障害者割引はありますか"),
        ("ja", "びんのふたが開けないほど固いです"),
        ("ja", "このクーポンは使えないのですか"),
        ("ja", "法的な保証期間は何年ですか"),
        ("ja", "ウイルス対策のマスクはありますか"),
        ("ja", "葉が落ちていました"),
    ],
)
def test_what_only_sounds_alarming_alarms_nobody(language: str, text: str) -> None:
    assert not severities(decided(mail(text, language=language)))


@pytest.mark.parametrize(
    ("language", "text", "severity"),
    [
        ("en", "Your whole shop went down an hour ago and it went down yesterday", "outage"),
        ("en", "There was a data breach at your company", "security"),
        ("en", "My card details were stolen on your site: card number stolen", "security"),
        ("en", "See you in court", "legal"),
        ("fr", "Votre application plante sans arrêt", "outage"),
        ("fr", "Le site est indisponible", "outage"),
        ("fr", "Je me suis fait pirater mon compte", "security"),
        ("fr", "Nous irons devant le tribunal", "legal"),
        ("ko", "지금 시스템 장애인가요?", "outage"),
        ("ko", "홈페이지가 안 열려요", "outage"),
        ("ko", "경찰에 고소하겠습니다", "legal"),
        ("ko", "작업하던 데이터가 날아갔어요", "data-loss"),
        ("de", "Gibt es gerade eine Störung?", "outage"),
        ("de", "Wir sehen uns vor Gericht", "legal"),
        ("de", "Ich verlange Auskunft nach DSGVO", "legal"),
        ("de", "Meine Dateien wurden alle gelöscht", "data-loss"),
        ("es", "El servidor está caído", "outage"),
        ("es", "Iré a la oficina de consumo", "legal"),
        ("es", "Me robaron la cuenta, robaron también mis datos", "security"),
        ("es", "Exijo la devolución del dinero", "payment"),
        ("pt", "O sistema está indisponível", "outage"),
        ("pt", "Vou processar vocês", "legal"),
        ("pt", "Caí em um golpe no seu site", "security"),
        ("it", "Il vostro sito è offline", "outage"),
        ("it", "Scriverò al Garante per la privacy", "legal"),
        ("it", "Tutto il mio lavoro è stato cancellato: tutto cancellato", "data-loss"),
        ("ja", "障害が発生していますか", "outage"),
        ("ja", "サイトのページが開けません", "outage"),
        ("ja", "法的措置を取ります", "legal"),
        ("ja", "カード情報が盗まれました", "security"),
    ],
)
def test_who_means_it_is_still_understood(language: str, text: str, severity: str) -> None:
    assert severity in severities(decided(mail(text, language=language)))
