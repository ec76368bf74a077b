"""What automatic replies say in each language: data, and the rule that makes a reply of it where no
header does. One word is never enough, because people write about holidays, offices and automatic
replies as well: a subject as programs begin it *and* a text as they begin it, or a text that says
of itself that a program sent it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from services.email.domain.sought import Sought

_LANGUAGES = """
en
+ automatic reply | auto reply | autoreply | automated reply | automatic response | auto response | automated response
+ autoresponse
+ autoresponder | automatic answer
~ auto | vacation | vacation response | out of office | out of the office | away from the office
~ away from my office | vacation notice | vacation reply | on vacation
~ i am on leave
= this is an automatic reply | this is an automated reply | this is an auto reply | this is an automatic response
= this is an automated response | this is an auto generated
= this is an automatically generated | this is an automated message | this is an automatic message | this is an automatic email
= this is an automated email | this message was sent automatically
= this message is automatically generated | this message was generated automatically | this email was generated automatically
= this is a system generated | this is an automatic notification
= this mailbox is not monitored | this is an automated notification | please do not reply to this automated
> i am out of the office | i'm out of the office | i am currently out of | i'm currently out of | i am away | i'm away
> i am on vacation | i'm on vacation | i am on holiday | i'm on holiday | i am on annual leave
> i am on leave | i am on maternity leave | i am on parental leave | i will be out of the office | i will be away
> i will be on vacation | i am currently away | i am currently on | i'm currently on
> i am travelling | i am traveling | our office is closed | we are closed | thank you for your email. i am
> thanks for your email. i am | i have left the company | no longer with the company | limited access to
fr
+ réponse automatique | reponse automatique | message automatique
~ absence du bureau | absent du bureau | absente du bureau | je suis absent | je suis en congés | absence
= ceci est une réponse automatique | ceci est un message automatique | ceci est un mail automatique | ce message est automatique
= ce message est envoyé automatiquement | cet e mail est envoyé automatiquement
= ce message a été envoyé automatiquement | message généré automatiquement | ce message est généré automatiquement
= merci de ne pas répondre à ce message automatique
> je suis absent | je suis actuellement absent | je suis en congé | je suis actuellement en congé | je suis en vacances
> je suis en déplacement | je serai absent | je serai de retour | actuellement absent | en mon absence | nos bureaux sont fermés
de
+ automatische antwort | automatische rückantwort | automatische ruckantwort | automatische rueckantwort | autoantwort
+ auto antwort
~ abwesenheit | abwesenheitsnotiz | abwesenheitsmeldung | abwesend | nicht im büro | außer haus
= dies ist eine automatische | dies ist eine automatisch | das ist eine automatische | diese nachricht wurde automatisch
= diese e mail wurde automatisch | diese mail wurde automatisch | automatisch generierte
> ich bin nicht im | ich bin bis | ich bin derzeit | ich bin zurzeit | ich bin zur zeit | ich bin aktuell | ich bin momentan
> ich bin im urlaub | ich bin vom | ich bin ab | ich bin außer haus | ich bin abwesend | ich befinde mich im urlaub
> ich befinde mich derzeit | vielen dank für ihre nachricht. ich bin | vielen dank für ihre e mail. ich bin
> unser büro ist geschlossen | bin ich nicht erreichbar | bin nicht im büro
es
+ respuesta automática | respuesta automatica | contestación automática
~ fuera de la oficina | fuera de oficina | ausente | ausencia
= esta es una respuesta automática | este es un mensaje automático | este es un correo automático
= este mensaje se ha generado automáticamente | este mensaje ha sido generado automáticamente | mensaje generado automáticamente
= esto es una respuesta automática
> estoy de vacaciones | estoy fuera | estaré fuera | estoy ausente | me encuentro fuera | me encuentro de vacaciones
> actualmente estoy fuera | estaré de vacaciones | no estoy en la oficina | actualmente me encuentro
it
+ risposta automatica | messaggio automatico
~ fuori sede | fuori ufficio | assente | assenza
= questa è una risposta automatica | questo è un messaggio automatico | messaggio generato automaticamente
= questo messaggio è stato generato automaticamente | questa è un'email automatica
> sono fuori ufficio | sono fuori sede | sono assente | sono in ferie | sarò assente | sarò fuori | sono in vacanza
> al momento sono
> attualmente sono fuori | i nostri uffici sono chiusi
pt
+ resposta automática | resposta automatica | resposta automàtica
~ fora do escritório | fora do escritorio | ausência | ausente | férias
= esta é uma resposta automática | esta é uma mensagem automática | este é um e mail automático | mensagem gerada automaticamente
= esta mensagem foi gerada automaticamente | este e mail foi gerado automaticamente
> estou de férias | estou fora | estou ausente | estarei ausente | estarei fora | estarei de férias | encontro me de férias
> encontro me ausente | não estou no escritório | no momento estou
nl
+ automatisch antwoord | automatische antwoord
~ afwezig | afwezigheid | afwezigheidsmelding | niet op kantoor
= dit is een automatisch | dit is een automatische | dit bericht is automatisch | deze e mail is automatisch
> ik ben afwezig | ik ben niet op kantoor | ik ben met vakantie | ik ben op vakantie | ik ben momenteel | ik ben tot | ik ben van
> op dit moment ben ik | wegens vakantie | ons kantoor is gesloten
sv
+ autosvar | automatiskt svar
~ frånvaro | frånvarande | semester | ej på kontoret
= detta är ett automatiskt | det här är ett automatiskt | detta meddelande har skickats automatiskt | detta mail är automatiskt
> jag är på semester | jag är inte på kontoret | jag är tjänstledig | jag är föräldraledig | jag är borta | jag är ledig
> jag har semester | jag är bortrest | vårt kontor är stängt
da
+ autosvar | automatisk svar
~ fravær | ferie | ikke på kontoret
= dette er et automatisk | dette er en automatisk | denne mail er sendt automatisk | denne besked er sendt automatisk
> jeg holder ferie | jeg er på ferie | jeg er ikke på kontoret | jeg er på barsel | jeg er ude af kontoret | jeg er bortrejst
> jeg er væk | vores kontor er lukket
nb
+ autosvar | automatisk svar
~ fravær | ferie | ikke på kontoret | fraværsmelding
= dette er et automatisk | dette er en automatisk | denne e posten er sendt automatisk | denne meldingen er sendt automatisk
> jeg er på ferie | jeg er ute av kontoret | jeg er ikke på kontoret | jeg har ferie | jeg er i permisjon | jeg er bortreist
> jeg er fraværende | vårt kontor er stengt
fi
+ automaattinen vastaus | automaattivastaus
~ poissa toimistosta | poissaolo | lomalla
= tämä on automaattinen | tämä viesti on lähetetty automaattisesti | tämä viesti on automaattinen
> olen lomalla | olen poissa | en ole toimistolla | olen vuosilomalla | olen matkoilla | olen äitiyslomalla
pl
+ automatyczna odpowiedź | automatyczna odpowiedz | odpowiedź automatyczna | odpowiedz automatyczna | autoodpowiedź
+ autoresponder
~ nieobecność | nieobecnosc | poza biurem
= to jest automatyczna | to jest wiadomość automatyczna | ta wiadomość została wygenerowana automatycznie
= wiadomość wygenerowana automatycznie | to jest wiadomość wygenerowana
> jestem na urlopie | przebywam na urlopie | jestem poza biurem | jestem nieobecn | będę nieobecn | w dniach
> przebywam poza biurem
> obecnie przebywam | nasze biuro jest nieczynne
cs
+ automatická odpověď | automaticka odpoved
~ mimo kancelář | nepřítomnost | dovolená
= toto je automatická | tato zpráva byla odeslána automaticky | tato zpráva byla vygenerována automaticky
= jedná se o automatickou
> jsem na dovolené | jsem mimo kancelář | nejsem v kanceláři | nejsem přítom | momentálně nejsem | do konce týdne nejsem
> čerpám dovolenou | budu mimo | v současné době nejsem
sk
+ automatická odpoveď | automaticka odpoved
~ mimo kancelárie | neprítomnosť | dovolenka
= toto je automatická | táto správa bola odoslaná automaticky | táto správa bola vygenerovaná automaticky
> som na dovolenke | som mimo kancelárie | nie som v kancelárii | momentálne nie som | čerpám dovolenku | budem mimo
hu
+ automatikus válasz | automatikus valasz
~ házon kívül | szabadság | távollét
= ez egy automatikus | ez automatikus üzenet | ezt az üzenetet a rendszer automatikusan
> szabadságon vagyok | házon kívül vagyok | nem vagyok az irodában | jelenleg szabadságon | jelenleg nem vagyok | irodánk zárva
ro
+ răspuns automat | raspuns automat
~ în afara biroului | concediu | absent
= acesta este un răspuns automat | acesta este un mesaj automat | acest mesaj a fost generat automat
= acest e mail a fost generat automat
> sunt în concediu | sunt plecat | nu sunt la birou | sunt în afara biroului | voi fi plecat | în prezent sunt
> biroul nostru este închis
bg
+ автоматичен отговор
~ извън офиса | отсъствие | отпуск
= това е автоматичен | това съобщение е генерирано автоматично | това е автоматично
> в отпуск съм | аз съм в отпуск | извън офиса съм | отсъствам | ще отсъствам | не съм в офиса | в момента съм в отпуск
ru
+ автоматический ответ | автоответ | автоответчик
~ вне офиса | отсутствие | в отпуске
= это автоматический ответ | это автоматическое | данное сообщение сформировано автоматически
= это письмо сформировано автоматически
= это письмо отправлено автоматически | данное письмо отправлено автоматически | сообщение создано автоматически
= данное письмо сформировано автоматически
> я в отпуске | я нахожусь в отпуске | нахожусь в отпуске | меня нет в офисе | меня не будет | я буду отсутствовать
> буду отсутствовать | в настоящее время я | я отсутствую | сейчас я в отпуске | я в командировке | я вне офиса
uk
+ автоматична відповідь | автовідповідь
~ поза офісом | відпустка | у відпустці
= це автоматична відповідь | це автоматичне | цей лист сформовано автоматично | цей лист надіслано автоматично
= це повідомлення створено автоматично
> я у відпустці | я перебуваю у відпустці | перебуваю у відпустці | мене немає в офісі | мене не буде | буду відсутн
> зараз я у відпустці
el
+ αυτόματη απάντηση
~ εκτός γραφείου | απουσία | άδεια
= αυτή είναι μια αυτόματη | αυτό είναι ένα αυτόματο | αυτό το μήνυμα στάλθηκε αυτόματα | αυτό το μήνυμα δημιουργήθηκε αυτόματα
> λείπω | απουσιάζω | βρίσκομαι σε άδεια | είμαι σε άδεια | είμαι εκτός γραφείου | θα απουσιάζω | θα λείπω
> δεν βρίσκομαι στο γραφείο
tr
+ otomatik yanıt | otomatik yanit | otomatik cevap
~ ofis dışında | izindeyim | ofis dışı
= bu otomatik bir | bu bir otomatik | bu ileti otomatik olarak | bu mesaj otomatik olarak | bu e posta otomatik olarak
> izindeyim | yıllık izindeyim | ofis dışındayım | şu anda ofiste değilim | şu anda izindeyim | tatildeyim | izinde olacağım
> ofiste değilim | ofisimiz kapalı
he
+ תשובה אוטומטית | מענה אוטומטי
~ מחוץ למשרד
= זוהי תשובה אוטומטית | זו הודעה אוטומטית | זוהי הודעה אוטומטית | הודעה זו נשלחה באופן אוטומטי | זהו מענה אוטומטי
> אני בחופשה | אני מחוץ למשרד | אני נמצא בחופשה | אני נמצאת בחופשה | אני לא במשרד | אינני במשרד | אהיה בחופשה
ar
+ رد تلقائي | الرد التلقائي | رد آلي
~ خارج المكتب
= هذا رد تلقائي | هذه رسالة تلقائية | هذه رسالة آلية | هذا رد آلي | تم إرسال هذه الرسالة تلقائيا
> أنا خارج المكتب | أنا في إجازة | أنا حاليا في إجازة | أنا حاليا خارج | سأكون خارج المكتب | سأكون في إجازة | أنا غير متواجد
fa
+ پاسخ خودکار
~ خارج از دفتر | مرخصی
= این یک پاسخ خودکار | این یک پیام خودکار | این پیام به صورت خودکار | این پیام به طور خودکار
> در مرخصی هستم | من در مرخصی | خارج از دفتر هستم | در دفتر نیستم | در حال حاضر در مرخصی | من خارج از دفتر
hi
+ स्वचालित उत्तर | स्वचालित जवाब | स्वतः उत्तर
~ कार्यालय से बाहर
= यह एक स्वचालित | यह संदेश स्वचालित रूप से | यह स्वचालित उत्तर
> मैं छुट्टी पर | मैं कार्यालय से बाहर | मैं अवकाश पर | मैं अभी कार्यालय में नहीं | मैं फिलहाल छुट्टी पर
th
+ ตอบกลับอัตโนมัติ | การตอบกลับอัตโนมัติ | ตอบอัตโนมัติ | การตอบอัตโนมัติ
~ ไม่อยู่ที่สำนักงาน
= นี่คือการตอบกลับอัตโนมัติ | ข้อความนี้เป็นข้อความอัตโนมัติ | อีเมลนี้เป็นการตอบกลับอัตโนมัติ | นี่เป็นข้อความตอบกลับอัตโนมัติ
= ข้อความนี้ถูกส่งโดยอัตโนมัติ
> ฉันลาหยุด | ผมลาหยุด | ดิฉันลาหยุด | ฉันไม่อยู่ | ผมไม่อยู่ | ดิฉันไม่อยู่ | ขณะนี้ฉันไม่อยู่ | อยู่ระหว่างลาพักร้อน
vi
+ trả lời tự động | thư trả lời tự động
~ vắng mặt | nghỉ phép | ngoài văn phòng
= đây là thư trả lời tự động | đây là email tự động | đây là tin nhắn tự động | thư này được gửi tự động
= email này được gửi tự động
> tôi đi vắng | tôi đang nghỉ phép | tôi hiện đang đi vắng | tôi hiện đang nghỉ | tôi đang đi công tác | tôi vắng mặt
> tôi không có mặt
id
+ balasan otomatis | jawaban otomatis
~ di luar kantor | cuti
= ini adalah balasan otomatis | ini adalah pesan otomatis | ini adalah email otomatis | pesan ini dikirim secara otomatis
= email ini dikirim secara otomatis
> saya sedang cuti | saya cuti | saya sedang tidak di kantor | saya sedang berada di luar kantor | saya tidak berada di kantor
> saat ini saya sedang
ms
+ balasan automatik | jawapan automatik
~ di luar pejabat | bercuti
= ini adalah balasan automatik | ini adalah mesej automatik | mesej ini dijana secara automatik
= e mel ini dijana secara automatik
> saya sedang bercuti | saya bercuti | saya berada di luar pejabat | saya tiada di pejabat
et
+ automaatvastus | automaatne vastus
~ kontorist väljas | puhkusel
= see on automaatne | see on automaatvastus | see kiri on saadetud automaatselt
> olen puhkusel | viibin puhkusel | olen kontorist ära | ma olen puhkusel | ei viibi kontoris
lv
+ automātiskā atbilde | automātiska atbilde | automatiska atbilde
~ ārpus biroja | prombūtne | atvaļinājum
= šī ir automātiska | šis ir automātisks | šī ziņa ir nosūtīta automātiski
> esmu atvaļinājumā | atrodos atvaļinājumā | neesmu birojā | es esmu atvaļinājumā | esmu ārpus biroja
lt
+ automatinis atsakymas
~ ne biure | atostogos | atostogauju
= tai automatinis | tai yra automatinis | šis laiškas išsiųstas automatiškai
> atostogauju | esu atostogose | nesu biure | šiuo metu atostogauju | esu išvykęs | esu išvykusi | aš atostogauju
hr
+ automatski odgovor
~ izvan ureda | odsutnost | godišnji odmor
= ovo je automatski | ovo je automatska | ova poruka je automatski
> na godišnjem sam | na godišnjem odmoru sam | nisam u uredu | izvan ureda sam | trenutno sam na | odsutan sam | odsutna sam
> bit ću odsut
sr
+ аутоматски одговор | automatski odgovor
~ одсутан | ван канцеларије
= ово је аутоматски | ово је аутоматска | ова порука је аутоматски | ovo je automatski
> на одмору сам | на годишњем одмору сам | нисам у канцеларији | одсутан сам | одсутна сам | тренутно сам на
mk
+ автоматски одговор
~ отсутен | надвор од канцеларија
= ова е автоматски | ова е автоматска | оваа порака е автоматски
> на одмор сум | на годишен одмор сум | не сум во канцеларија | отсутен сум | отсутна сум
sl
+ samodejni odgovor
~ odsotnost | dopust
= to je samodejni | to je avtomatski | to sporočilo je samodejno | to je avtomatsko
> sem na dopustu | na dopustu sem | nisem v pisarni | odsoten sem | odsotna sem | trenutno sem na dopustu
eu
+ erantzun automatikoa
~ bulegotik kanpo
= hau erantzun automatikoa | hau mezu automatikoa | mezu hau automatikoki
> oporretan nago | bulegotik kanpo nago | ez nago bulegoan | kanpoan nago
ca
+ resposta automàtica
~ fora de l'oficina | absència
= aquesta és una resposta automàtica | aquest és un missatge automàtic | missatge generat automàticament
> estic de vacances | soc fora | sóc fora | estaré fora | estic absent | no soc a l'oficina
ja
+ 自動応答 | 自動返信 | 自動回答
~ 不在 | 不在通知 | 不在のお知らせ | 休暇のお知らせ
= このメールは自動送信 | このメールは自動返信 | このメールは自動的に | このメールは自動配信 | これは自動返信
= 本メールは自動送信 | 本メールは自動返信 | 本メールは自動的に | 本メールは自動配信 | こちらは自動返信
= このメールは、自動
= 本メールは、自動 | 自動返信メールです | 自動送信メールです
> 不在に | 不在の | 休暇を | 休暇中 | 外出して | 出張中 | 出張のため | お休みを | 夏季休業 | 年末年始
ko
+ 자동응답 | 자동 응답 | 자동회신 | 자동 회신 | 자동답장 | 자동 답장
~ 부재중 | 부재 중 | 부재
= 이 메일은 자동 | 본 메일은 자동 | 이 메시지는 자동 | 자동으로 발송된 | 자동 발송된 메일 | 자동 응답 메일입니다
= 자동응답 메일입니다 | 자동 회신 메일입니다 | 자동회신 메일입니다 | 발신 전용 메일
= 발신전용 메일
> 휴가 중 | 휴가중 | 휴가입니다 | 부재 중 | 부재중 | 출장 중 | 출장중 | 자리를 비우 | 자리를 비웁 | 휴가로 인해 | 휴직 중
> 육아휴직
zh
+ 自动回复 | 自动答复 | 自动回覆 | 自動回覆 | 自動回复 | 自動答覆
~ 外出 | 不在办公室 | 不在辦公室 | 休假
= 这是自动回复 | 这是一封自动回复 | 此邮件为自动回复 | 此邮件由系统自动 | 本邮件由系统自动 | 这是一封自动 | 系统自动发送
= 此為自動回覆 | 這是自動回覆 | 這是一封自動 | 本郵件由系統自動 | 此郵件由系統自動 | 系統自動發送
= 此信件為系統自動
> 不在办公室 | 不在辦公室 | 我在休假 | 我正在休假 | 我休假 | 正在休假 | 我外出 | 我目前不在 | 我出差 | 正在出差 | 休假中
> 在休假期間
"""
_READ = """
en: read: | not read: > was read on | was deleted without being read | was opened on
de: gelesen: | ungelesen: > wurde gelesen am | ungelesen gelöscht
fr: lu: | lu : | non lu : > a été lu | a été supprimé sans avoir été lu
es: leído: | leido: > se ha leído | fue leído | ha sido leído
it: letto: > è stato letto | è stata letta
pt: lida: | lido: > foi lida em | foi lido em
nl: gelezen: > is gelezen op
sv: läst: > lästes
pl: przeczytano: > została przeczytana
ru: прочтено: | прочитано: > прочитано | прочтено
tr: okundu: > okundu
ja: 開封済み: | 開封確認: > 開封されました | 表示されました
ko: 읽음: > 읽었습니다 | 읽은 시간
zh: 已读: | 已讀: > 已阅读 | 已读 | 已於
"""
"""Receipts in words alone, as old Exchange servers write them: subject, and what the text says."""


class Language(NamedTuple):
    """Phrases in lower case. `automatic`, `absent`: how subjects begin, those of programs and those
    that people write too; `machine`: how a sentence begins that says that a program sent it;
    `away`: how people say that they are not there."""

    code: str
    automatic: tuple[str, ...]
    absent: tuple[str, ...]
    machine: tuple[str, ...]
    away: tuple[str, ...]


def _phrases(lines: list[str], mark: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for line in lines if line.startswith(mark) for phrase in line[2:].split("|"))


LANGUAGES = tuple(
    Language(code, *(_phrases(lines, mark) for mark in "+~=>"))
    for code, *lines in (entry.split("\n") for entry in re.split(r"\n(?![+~=>])", _LANGUAGES.strip()))
)
"""By ISO 639-1."""
_RECEIPTS = tuple(
    tuple(tuple(phrase.strip() for phrase in side.split("|")) for side in line.split(": ", 1)[1].split(" > "))
    for line in _READ.strip().split("\n")
)
_RECEIPT_BEGINS = tuple(begins for side, _ in _RECEIPTS for begins in side)
_AUTOMATIC, _ABSENT, _MACHINE, _AWAY = (
    tuple(dict.fromkeys(phrase for language in LANGUAGES for phrase in getattr(language, name)))
    for name in ("automatic", "absent", "machine", "away")
)
_SAYS_AWAY = Sought(_AWAY)
_SHORTEST = min(map(len, _MACHINE))
_OPENINGS = frozenset(phrase[:_SHORTEST] for phrase in _MACHINE)
_EARLY, _FIRST, _LONGEST = 120, 400, 2_000
"""Characters: behind a greeting at most; in which one says that one is away; all that are read."""
_ENDS = re.compile(r"\s*(?:[:：\]】)）\-–—|]|$)")
"""What stands between such a beginning and the subject that is answered."""
_BRACKET = re.compile(r"[\s\[【(（«*「]*")
_MARKS = " \t\r*※#[【(（<_=~•·"
_SENTENCE = re.compile(r"([^.!?。！？\n]++[.!?。！？]?|[.!?。！？])(?:(?<=[.!?。！？])\s*+|\n?)")
_QUOTED = re.compile(r"\s*[>|]")
_STORY = re.compile(
    r"(?: \w{1,30}){0,2},?(?: that| which)? (?:from you\b|of yours|you sent|you send|i got|i keep|i get\b|i received|we got"
    r"|die ich|den ich|das ich|die sie|que j|que vous|que he|que recib|que me|che ho|che mi|que eu|die ik)"
)
"""What a person goes on with who speaks of somebody's automatic reply."""


class Said(NamedTuple):
    """What the words say. `subject`: it begins as an automatic reply's does; `reply`: the words
    alone make it one; `machine`: a program says so of itself; `away`: the first of it is that
    somebody is not there."""

    subject: bool
    reply: bool
    machine: bool
    away: bool


def said(subject: str, text: str, *, answers: bool, doubted: bool) -> Said:
    """Reads a subject and the first words under it. `answers`: headers say that it answers some
    mail, as no person's new mail does; `doubted`: a header says that a program may have sent it."""
    title = _flat(subject)
    title = title[_BRACKET.match(title).end() :]  # type: ignore[union-attr] # it matches nothing at least
    program, absent = _begins(title, _AUTOMATIC), _begins(title, _ABSENT)
    strictly = _followed(title, program) or (answers and _followed(title, absent))
    own = _own(text)
    machine = _of_itself(own)
    at = _away(own[:_FIRST]) if strictly or doubted or machine >= 0 else -1
    return Said(
        bool(program or absent),
        bool((strictly and (at >= 0 or machine >= 0)) or (machine >= 0 <= at) or (answers and 0 <= machine < _EARLY)),
        machine >= 0,
        0 <= at < _EARLY,
    )


def is_receipt(subject: str, text: str) -> bool:
    """Whether it only tells, in words alone, that a mail was read."""
    title = _flat(subject)
    if not title.startswith(_RECEIPT_BEGINS):
        return False
    told = [phrase for begins, words in _RECEIPTS if title.startswith(begins) for phrase in words]
    return any(phrase in _flat(text[:_FIRST]) for phrase in told)


def _begins(title: str, phrases: tuple[str, ...]) -> str:
    if not title.startswith(phrases):
        return ""
    return max((phrase for phrase in phrases if title.startswith(phrase)), key=len)


def _followed(title: str, found: str) -> bool:
    return bool(found) and _ENDS.match(title, len(found)) is not None


def _own(text: str) -> str:
    """Returns the first words that are not quoted."""
    lines = text[: 2 * _LONGEST].splitlines()
    if ">" in text or "|" in text:
        lines = [line for line in lines if not _QUOTED.match(line)]
    return "\n".join(lines)[:_LONGEST]


def _of_itself(own: str) -> int:
    """Returns where a sentence begins in which a program says that it wrote this, or -1."""
    at = 0
    for sentence in _SENTENCE.findall(_plain(own)):
        flat = sentence.lstrip(_MARKS)
        if flat[:_SHORTEST] not in _OPENINGS:
            at += len(sentence)
            continue
        flat = " ".join(flat.split())
        found = _begins(flat, _MACHINE)
        if found and not flat.endswith("?") and not _STORY.match(flat, len(found)):
            return at
        at += len(sentence)
    return -1


def _away(first: str) -> int:
    """Returns where these words say first that somebody is not there, or -1."""
    flat = _flat(first)
    return min((at for phrase in _SAYS_AWAY.within(flat) if (at := _place(flat, phrase)) >= 0), default=-1)


def _place(first: str, phrase: str) -> int:
    """Returns where the phrase stands, at the beginning of a word in a script that parts words; or
    -1."""
    at = first.find(phrase)
    return -1 if at > 0 and first[at - 1].isalnum() and ord(phrase[0]) < _UNPARTED else at


_UNPARTED = 0x0E00
"""Thai is the first script in Unicode of those that do not part words."""


def _flat(text: str) -> str:
    """Returns the text in lower case, on one line, with blanks for hyphens."""
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text.replace("İ", "i").replace("’", "'")).lower()
    return plain.replace("-", " ").replace("\u064b", "")
