"""Sixty messages in eight languages whose words the policy mostly does not know, and how a
dispatcher would rank them."""

from __future__ import annotations

import pytest

from shared.kernel import Level
from tests.unit.router.makers import decided, mail

GRAVE = (Level.URGENT, Level.HIGH)
USUAL = (Level.NORMAL,)
CALM = (Level.LOW,)


@pytest.mark.parametrize(
    ("language", "text", "levels"),
    [
        # Something stands still, somebody was robbed, something is gone: now.
        ("en", "There has been a critical error on this website.", GRAVE),
        ("en", "White screen on every page after your update!!", GRAVE),
        ("en", "your plugin broke my site", GRAVE),
        ("en", "We lost everything, all the products are gone from the shop", GRAVE),
        ("en", "I forgot my password and the reset mail never comes", GRAVE),
        ("en", "You charged me 2 times for the same month", GRAVE),
        ("en", "Someone stole my card, please freeze it", GRAVE),
        ("en", "There are payments on my statement that I did not make", GRAVE),
        ("en", "My phone was stolen and the banking app is on it", GRAVE),
        ("en", "Our solicitor will write to you if this is not settled by Friday", GRAVE),
        ("fr", "Écran blanc partout depuis la mise à jour", GRAVE),
        ("fr", "Votre extension a cassé mon site, je ne peux plus vendre", GRAVE),
        ("fr", "On m’a volé ma carte bancaire, il faut la bloquer", GRAVE),
        ("fr", "Tous mes articles ont disparu pendant la nuit", GRAVE),
        ("fr", "Vous m’avez prélevé 2 fois ce mois-ci", GRAVE),
        ("ko", "업데이트하고 나서 사이트에 흰 화면만 나와요", GRAVE),
        ("ko", "카드를 도난당했어요. 빨리 정지해 주세요", GRAVE),
        ("ko", "비밀번호를 잊어버려서 로그인을 못 하고 있어요", GRAVE),
        ("ko", "같은 주문이 2번 결제됐습니다", GRAVE),
        ("de", "Seit dem Update nur noch eine weiße Seite", GRAVE),
        ("de", "Meine Karte wurde gestohlen, bitte sofort sperren", GRAVE),
        ("de", "Alle unsere Bestellungen sind verschwunden", GRAVE),
        ("de", "Ihr habt zweimal abgebucht", GRAVE),
        ("es", "Pantalla en blanco en toda la tienda desde la actualización", GRAVE),
        ("es", "Me robaron la tarjeta, hay que bloquearla ya", GRAVE),
        ("es", "Se han borrado todos mis pedidos", GRAVE),
        ("pt", "Tela branca no site inteiro depois da atualização", GRAVE),
        ("pt", "Roubaram meu cartão, preciso bloquear agora", GRAVE),
        ("it", "Schermata bianca su tutto il sito dopo l’aggiornamento", GRAVE),
        ("it", "Mi hanno rubato la carta, bloccatela subito", GRAVE),
        ("ja", "アップデートしてからサイトが真っ白です", GRAVE),
        ("ja", "カードを盗まれました。すぐに止めてください", GRAVE),
        ("ja", "2回請求されています", GRAVE),
        # Everyday business, whatever it sounds like.
        ("en", "Which of your plans fits a shop with two people?", USUAL),
        ("en", "Can you move my delivery to Thursday?", USUAL),
        ("en", "Do you have this jacket in green, size M?", USUAL),
        ("en", "Please change the name on my invoice to our company", USUAL),
        ("fr", "Avez-vous ce modèle en bleu ?", USUAL),
        ("fr", "Pouvez-vous changer l’adresse de livraison ?", USUAL),
        ("ko", "이 제품 파란색도 있나요?", USUAL),
        ("ko", "배송지를 변경하고 싶어요", USUAL),
        ("de", "Gibt es das Regal auch in Eiche?", USUAL),
        ("de", "Bitte ändern Sie meine Lieferadresse", USUAL),
        ("es", "¿Tienen este modelo en azul?", USUAL),
        ("pt", "Vocês têm esse modelo em azul?", USUAL),
        ("it", "Avete questo modello in blu?", USUAL),
        ("ja", "この商品の青はありますか", USUAL),
        # Nobody waits for an answer.
        ("en", "Thanks a lot, that solved it!", CALM),
        ("en", "Perfect, it works now. Thank you so much for your help", CALM),
        ("en", "Have a nice weekend, bye!", CALM),
        ("en", "Grow your traffic by 300% with our SEO packages, reply for a free quote", CALM),
        ("fr", "Merci beaucoup, ça marche !", CALM),
        ("fr", "Bonne soirée, au revoir", CALM),
        ("ko", "정말 감사합니다, 잘 해결됐어요", CALM),
        ("ko", "좋은 하루 되세요", CALM),
        ("de", "Vielen Dank, jetzt klappt es!", CALM),
        ("de", "Schönes Wochenende und tschüss", CALM),
        ("es", "Muchas gracias, ya está resuelto", CALM),
        ("pt", "Muito obrigado pela ajuda, deu certo!", CALM),
        ("it", "Grazie mille, ora funziona tutto", CALM),
        ("ja", "ありがとうございました、解決しました", CALM),
    ],
)
def test_a_dispatcher_would_agree(language: str, text: str, levels: tuple[Level, ...]) -> None:
    decision = decided(mail(text, language=language))
    assert decision.level in levels, (decision.score, decision.judged, [reason.text for reason in decision.reasons])
