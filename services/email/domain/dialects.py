"""How mail systems say in words, without a report, that a mail did not arrive: data, and one way to
read all of it. Each phrase is what only that program writes; it is sought in lower case, with
single blanks. Sources: the programs' own templates and manuals; fixtures in `tests/data/returned`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from services.email.domain.charsets import safe
from services.email.domain.sought import Sought


class Dialect(NamedTuple):
    """A mail system's words. `opens`: any of them tells the system; `before`: what may follow and
    stands right above the addresses that were not reached."""

    name: str
    opens: tuple[str, ...]
    before: tuple[str, ...] = ()


CHALLENGE = "challenge"
"""The name of what is no mail system: a receiver who wants to be asked first."""
DIALECTS = tuple(
    Dialect(
        name,
        tuple(line for line in lines if not line.startswith("> ")),
        tuple(line[2:] for line in lines if line.startswith("> ")),
    )
    for name, *lines in (
        entry.split("\n  ")
        for entry in re.split(
            r"\n(?! )",
            """
Postfix
  this is the mail system at host
  this is the postfix program at host
  this is the postfix mail system at
Exim
  this message was created automatically by mail delivery software
  > the following address(es) failed:
  > the following addresses failed:
  > the following address failed:
  > the following address(es) have not yet been delivered:
  > the address to which the message has not yet been delivered is:
  > the following addresses have not yet been delivered:
GMX, WEB.DE, 1&1
  a message that you sent could not be delivered
  diese e-mail wurde automatisch vom mailsystem erzeugt
  diese nachricht wurde automatisch vom mailsystem erzeugt
  > the following addresses failed:
  > the following address failed:
  > folgende adressen schlugen fehl:
  > an folgende adresse nicht zugestellt werden:
qmail
  this is the qmail-send program at
  i wasn't able to deliver your message
  i tried to deliver your message, but
  i'm sorry to have to inform you that the message returned below could not be delivered
Sendmail
  the following addresses had permanent
  the following addresses had transient
  the following addresses had successful delivery
  transcript of session follows
  the original message was received at
Exchange 5.5, 2003
  did not reach the following recipient(s):
  did not reach the following recipients:
  hat die folgenden empfänger nicht erreicht:
  hat folgende(n) empfänger nicht erreicht:
  n'a pas pu être remis aux destinataires suivants
  n'est pas parvenu au(x) destinataire(s) suivant(s)
  no se pudo entregar a los siguientes destinatarios
Exchange, Microsoft 365
  delivery has failed to these recipients
  delivery is delayed to these recipients
  couldn't be delivered to the recipient
  your message couldn't be delivered
  couldn't be delivered.
  fehler bei der nachrichtenzustellung an folgende empfänger
  verzögerung bei der zustellung an folgende empfänger
  ihre nachricht konnte nicht zugestellt werden
  échec de la remise pour ces destinataires
  échec de remise à ces destinataires
  la remise à ces destinataires ou groupes
  n'a pas pu être remis.
  votre message n'a pas pu être remis
  error de entrega a estos destinatarios
  se ha producido un error en la entrega a los siguientes destinatarios
  se retrasó la entrega a estos destinatarios
  falha na entrega para estes destinatários
  ocorreu uma falha na entrega a estes destinatários
  falha na entrega a estes destinatários
  a entrega a estes destinatários ou grupos
  impossibile recapitare il messaggio ai seguenti destinatari
  impossibile recapitare il messaggio a
  recapito non riuscito per i seguenti destinatari
  il recapito ai seguenti destinatari
  de bezorging aan deze geadresseerden is mislukt
  de bezorging aan deze geadresseerden of groepen
  kan niet worden bezorgd
  bezorging aan de volgende geadresseerden is mislukt
  det gick inte att leverera till följande mottagare
  levering mislykkedes til disse modtagere
  не удалось выполнить доставку следующим получателям
  сбой доставки следующим получателям
  доставка следующим получателям или группам
  не удалось доставить ваше сообщение
  nie można dostarczyć wiadomości do następujących adresatów
  nie można dostarczyć twojej wiadomości
  dostarczenie do następujących adresatów lub grup
  dostarczenie do następujących adresatów nie powiodło się
  次の受信者への配信に失敗しました
  次の受信者またはグループへの配信に失敗しました
  次の受信者またはグループへの配信が遅延
  へのメッセージを配信できませんでした
  다음 받는 사람에게 배달하지 못했습니다
  다음 받는 사람 또는 그룹에 배달하지 못했습니다
  다음 받는 사람 또는 그룹에 배달이 지연
  에게 보낸 메시지를 배달하지 못했습니다
  未能传递到这些收件人
  传递到以下收件人或组时出现延迟
  无法将你的邮件传递到
  无法将邮件传递到以下收件人
  傳遞給下列收件者或群組失敗
  aşağıdaki alıcılara teslim edilemedi
Gmail
  에 전송되지 않았습니다
  에게 전송되지 않았습니다
  您的邮件未送达
  您的邮件没有送达
  您的郵件未傳送到
  сообщение не доставлено
  wiadomość nie została doręczona
  mesajınız gönderilemedi
  delivery to the following recipient failed permanently
  delivery to the following recipients failed permanently
  delivery to the following recipient has been delayed
  your message wasn't delivered to
  there was a temporary problem delivering your message to
  the group you tried to contact
  votre message n'est pas parvenu à
  ihre nachricht wurde nicht zugestellt an
  ihre nachricht an
  tu mensaje no se ha entregado a
  su mensagem não foi entregue a
  a sua mensagem não foi entregue a
  il messaggio non è stato recapitato a
  je bericht is niet bezorgd bij
  twoja wiadomość nie została dostarczona do
  ваше сообщение не доставлено
Yahoo
  sorry, we were unable to deliver your message to the following address
  unable to deliver message to the following address(es)
Oracle, iCloud
  this report relates to a message you sent with the following header fields
  > your message cannot be delivered to the following recipients
  > your message has been enqueued and undeliverable for
  > unable to deliver this message after
Amazon SES
  an error occurred while trying to deliver the mail to the following recipients
  an error occurred while trying to deliver the message to the following recipients
SendGrid
  this is an automatically generated message from sendgrid
Mailgun
  your message to the following recipient was rejected by the remote server
  this is a bounce report for a message sent through
Domino
  wurde nicht ausgeliefert an:
  konnte nicht zugestellt werden an:
  n'a pas été remis à :
  n'a pas été distribué à :
  no se ha entregado a:
  non è stato consegnato a:
  não foi entregue a:
  werd niet afgeleverd bij:
  was not delivered to:
  user not listed in public name & address book
  not listed in domino directory
  not listed in public name & address book
  failure reasons
Courier
  running the courier mail server
  your message to the following recipients cannot be delivered
  > your message to the following recipients cannot be delivered:
  > the following recipients are delayed:
MailEnable
  message could not be delivered to some recipients
  the following recipient(s) could not be reached
hMailServer
  your message did not reach some or all of the intended recipients
  > the following recipient(s) could not be reached:
MDaemon
  had permanent fatal delivery errors
  had permanent delivery failures
  has encountered a delivery problem
  the attached message had permanent
  > failed address:
  > failed recipient:
IMail
  unknown user:
  user mailbox exceeds allowed size:
  undeliverable to
  invalid final delivery userid:
GroupWise
  the message that you sent was undeliverable to the following
Barracuda
  was blocked by our spam firewall
  has been blocked by the barracuda
  has not been delivered: subject
  > your message to:
Mimecast
  the mimecast
  your message could not be delivered to the following recipients
  the message you emailed to
Symantec, MessageLabs
  this is the mail delivery agent at messagelabs
  the messagelabs email security system
  this is the symantec email security
  this is a delivery failure notification message from symantec
  > the following recipient(s):
Proofpoint
  this message was generated by the proofpoint
  proofpoint protection server
Mail.ru
  это письмо создано автоматически
  к сожалению, ваше письмо не может быть доставлено
Yandex
  это письмо отправлено почтовым сервером
  ваше письмо не доставлено
  не удалось доставить ваше письмо
  не удалось доставить письмо
Orange, wanadoo
  ceci est un message automatique du système de messagerie
  le message que vous avez envoyé n'a pas pu être remis
  votre message n'a pas pu être délivré
  votre message n'a pas pu être distribué
Free
  ce message est généré automatiquement par le serveur de courrier
  votre courrier n'a pu être distribué
Naver
  메일이 정상적으로 전송되지 못했습니다
  메일이 전송되지 못하였습니다
  보내신 메일이 전송되지 않았습니다
  보내신 메일이 반송
  메일 발송에 실패
  메일을 전송하지 못했습니다
Daum
  아래의 이유로 전달되지 못했습니다
  다음의 주소로 메일을 보내지 못했습니다
  메일을 받는 분에게 전달하지 못했습니다
  받는 사람을 찾을 수 없습니다
NTT docomo
  unknown user follows
  following addresses could not be delivered
  宛先が見つかりません
  送信できなかった宛先
KDDI
  could not be delivered to:
  as their mailbox is full
  each of the following recipients was rejected by a remote mail server
  the user(s) account is
  the following recipients did not receive this message
Biglobe
  the following addresses had delivery problems
  non-delivered information
Japanese hosts
  配信できませんでした
  配送できませんでした
  送信できませんでした
  届けることができませんでした
  お届けできませんでした
QQ, 163
  您的邮件被退回
  您的邮件被退信
  您发送的邮件被退回
  您的郵件無法送達
  无法发送到您的收件人
  邮件无法投递
  您的邮件无法投递
  系统退信通知
James
  this is the james mail server at
  > failed recipient(s):
DragonFly
  there was an error delivering your mail to
  this is the dragonfly mail agent
  > there was an error delivering your mail to
OpenSMTPD
  an error has occurred while attempting to deliver a message
  this is the mailer-daemon, please do not reply
  a message is delayed for more than
  > the following list of recipients:
Post.Office, InterMail
  this message was undeliverable due to the following reason
  your message was not delivered because
CommuniGate
  failed to deliver to '
  message delivery to '
SmarterMail
  could not deliver message to the following recipient(s):
  could not deliver message to the following recipients:
Kerio
  your message has not been delivered to the following recipients
  your message could not be delivered to these recipients
Ecelerity
  this message was created automatically by the mail system
  this message was created automatically by mail system
  > the following address(es) failed:
InterScan
  message from interscan
  unable to deliver message to
  unable to deliver message to:
MailMarshal
  could not be delivered because of
  > the following recipients were affected:
SurfControl
  a transcript of the attempts to send the message follows
  > addressed to:
MMS gateways
  message could not be delivered to mobile
  > addressed to:
Small hosts
  this is the mail delivery agent at
  this is the mail program at
  your message could not be delivered as addressed
  receiver not found:
  i was unable to deliver
  i was not able to deliver
  we were unable to deliver
  an error occurred while delivering your message
  was not able to be delivered
  could not be delivered to the following
  your message could not be delivered
  your message was not delivered
  your message has not been delivered
  your mail could not be delivered
  your email could not be delivered
  the following message to <
  delivery to the following recipients failed
  delivery to the following recipient failed
  returned to you because
  the following addresses had delivery errors
  we had trouble delivering your message
  the following address(es) could not be reached
  your mail to the following recipients could not be delivered
  could not send message to:
  failed addresses follow
  the following message could not be delivered
  your message could not be delivered to:
  the mail system was unable to deliver
Zoho
  your message could not be delivered to the following
Spanish hosts
  no se ha podido entregar su mensaje
  su mensaje no pudo ser entregado
  el mensaje no se pudo entregar
  no se pudo entregar su mensaje
Portuguese hosts
  sua mensagem não pôde ser entregue
  sua mensagem não pode ser entregue
  não foi possível entregar a sua mensagem
  não foi possível entregar sua mensagem
Italian hosts, PEC
  è stato rilevato un errore
  il suo messaggio non è stato consegnato
  il messaggio non può essere consegnato
  non è stato possibile recapitare il messaggio
  > destinato all'utente
Dutch hosts
  uw bericht kon niet worden afgeleverd
  uw bericht kon niet worden bezorgd
  uw e-mail kon niet worden afgeleverd
Polish hosts
  wiadomość nie została dostarczona
  nie udało się dostarczyć wiadomości
  twoja wiadomość nie mogła zostać dostarczona
Czech hosts
  vaši zprávu se nepodařilo doručit
  zprávu se nepodařilo doručit
  vaše zpráva nemohla být doručena
Turkish hosts
  mesajınız iletilemedi
  mesajınız teslim edilemedi
  iletiniz teslim edilemedi
challenge
  protected by earthlink spamblocker
  add yourself to my guest list
  was waitlisted
  moved to a "suspect email" folder
  redirected to a "suspect email" folder
  just this once, click the link below so i can receive your emails
  your email address is not on my list of approved senders
  confirm that you are a human
  confirm you are a human
  confirm that you are not a spammer
  prove that you are a human
  requires that you verify your email address before
  to deliver your message, please confirm
  your message is being held until you confirm
  your message will be delivered once you confirm
  add yourself to my approved senders
  you must be on their guest list
  this one-time confirmation
  i am protecting myself from receiving junk mail
  um ihre nachricht zuzustellen, bestätigen sie bitte
  veuillez confirmer votre envoi pour que votre message soit remis
  pour que votre message me parvienne, cliquez
  authentifier votre message
""".strip(),
        )
    )
)
"""A name, and below it the phrases; behind `>` those of `before`."""
_OPENS = Sought(phrase for dialect in DIALECTS for phrase in dialect.opens)
SUBJECTS = tuple(
    """
undelivered mail
undeliverable
undelivered message
undeliverable mail
non-delivery
nondeliverable
returned mail
failure notice
failed mail
mail delivery
message delivery fail
delivery status notification
delivery fail
delivery error
delivery problem
delivery notification
delivery report
mail system error
mail could not be delivered
message not delivered
message undeliverable
mail failure
postmaster notify
mail error
warning: could not send message
warning: message
delayed mail
[bounce]
rejected:
unzustellbar
nicht zugestellt
nicht zustellbar
non remis
non délivré
échec de la remise
échec de remise
retour à l'expéditeur
no se puede entregar
no se pudo entregar
no entregado
devuelto
não entregue
não foi possível entregar
non recapitabile
mancata consegna
onbestelbaar
niet bezorgd
kan inte leverera
kunne ikke leveres
kan ikke leveres
ei voitu toimittaa
nie można dostarczyć
nedoručiteln
kézbesíthetetlen
nelivrat
недоставлен
не доставлен
не вдалося доставити
μη παραδοτέο
teslim edilemedi
iletilemedi
לא ניתן למסירה
تعذر التسليم
配信不能
配信エラー
未送達
未配信
无法送达
無法傳遞
未送达
退信
배달되지 않음
발송 실패
발송실패
전송 실패
반송
""".strip().split("\n")
)
"""How subjects of returned mails begin; of use only where more speaks for it."""
_ENDS = Sought(
    """
below this line is a copy of
this is a copy of your message
this is a copy of the message
original message follows
unsent message follows
header of the original message
headers of the original message
message headers follow
original message headers
returned message -
below is a copy of
message header follows
message text follows
unsent mail
unsent message
copy of the message
copy of your message
start of returned
----- original message
---- original message
the original message is
your original message
original message header
ursprüngliche nachrichtenkopfzeilen
en-têtes de message d'origine
encabezados de mensajes originales
元のメッセージ ヘッダー
원본 메시지 헤더
message transcript
""".strip().split("\n")
)
"""What stands above the copy of the returned mail."""
_COPY = re.compile(r"^(?:received|return-path|message-id|mime-version|from|date): [\w<\"(=]", re.MULTILINE)
BEGINNING = 1_200
"""Characters in which a mail system tells what it has to tell."""
_ADDRESS = r"([^\s<>\"():;,\[\]@|=：，；（）【】「」、。]{1,64}@[^\s<>\"():;,\[\]@|：，；（）【】「」、。]{1,255})"
ADDRESS = re.compile(_ADDRESS)
_OWN_LINE = re.compile(
    rf"(?:[*•·>#-]{{1,4}} ?)?(?:\d{{1,3}}[.)] )?(?:to ?: ?|cc ?: ?)?[<\"'(\[]{{0,3}}(?:smtp:|mailto:|rfc822; ?)?{_ADDRESS}",
    re.IGNORECASE,
)
"""The address begins its line."""
_LABELS = (
    r"rcpt to|recipients?(?: address)?|original address|failed address|addressed to"
    r"|deliver(?:ed|ing)?(?: your mail| your message| message)? to|wasn't delivered to|unknown user"
    r"|unknown user follows|address|user|undeliverable to|allowed size|final delivery userid"
    r"|n'est pas parvenu à|destinataires?|destinatarios?|destinatári[oa]s?|destinatario|all'utente"
    r"|empfänger|zugestellt an|geadresseerden?|bezorgd bij|adresat|dostarczona do|adresát|получател[ьюя]+"
    r"|кому|alıcı|entregado a|entregue a|recapitato a|받는 ?사람|받는 ?이|수신자|수신인|宛先|宛て先|送信先|受信者|收件人|收件者|无法发送到"
    r"|send to|failed to deliver to|message to|emailed to|contact"
)
_LABELLED = re.compile(
    rf"(?:{_LABELS})[ :：\t]{{0,4}}[<\"'(\[]{{0,3}}(?:smtp:|mailto:|rfc822; ?)?{_ADDRESS}", re.IGNORECASE
)
_SMTP_LINE = re.compile(rf"(?:[<>]{{3}} )?[245]\d\d[ -](?:[245]\.\d{{1,3}}\.\d{{1,3}}:? )?<?{_ADDRESS}", re.IGNORECASE)
_PROGRAMS = re.compile(
    r"(?:mailer-daemon|postmaster|post_master|mail-daemon|abuse|no-?reply|daemon)[@+]", re.IGNORECASE
)
_GLUED = re.compile(r"([a-z0-9.-]{1,250}\.[a-z]{2,20})[\u0e00-\uffff]")
"""A domain with a particle behind it, as Korean and Japanese write them: `example.net에`."""
_TRIMMED = "'`.*_!?/\\{}“”‘’«»„‚"


class Told(NamedTuple):
    """`dialect`: whose words these are; `above`: all above the copy of the returned mail, its lines
    collapsed; `text`: the part of it that tells of the failure, and `people` what of that names the
    addresses; `at`: where the words begin that told the dialect."""

    dialect: str
    above: str
    text: str
    people: str
    at: int


def told(text: str) -> Told | None:
    """Reads a text in the dialect whose words come first; None where it is in none."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    collapsed = "\n".join(line for line in lines if line)
    flat = _flat(collapsed)
    at = min(map(flat.find, _OPENS.within(flat)), default=-1)
    if at < 0:
        return None
    dialect = next(one for one in DIALECTS if flat.startswith(one.opens, at))
    start = max(at, *(flat.find(phrase, at) for phrase in dialect.before), at)
    end = _end(flat, collapsed, start)
    return Told(dialect.name, collapsed[:end], collapsed[at:end], collapsed[start:end], at)


def failed(text: str, ours: Sequence[str], sent_to: Sequence[str]) -> tuple[str, ...]:
    """Returns the addresses that these words say were not reached, by the best evidence: a line
    that begins with an address, then one that a label names, then any. `ours`: mail systems
    name them too, and mean nobody who was not reached. `sent_to`: whom the copy of our mail names,
    of use where the words name others too."""
    lines = [" ".join(line.split())[:500] for line in text.splitlines() if "@" in line]
    ways = (
        (match[1] for line in lines if (match := _OWN_LINE.match(line) or _SMTP_LINE.match(line))),
        (match[1] for line in lines for match in _LABELLED.finditer(line)),
        (match[1] for line in lines for match in ADDRESS.finditer(line)),
    )
    left = {one.lower() for one in ours}
    for way in ways:
        people = tuple(dict.fromkeys(one for found in way if (one := address(found)) and one not in left))
        if chosen := tuple(one for one in people if not _PROGRAMS.match(one)):
            meant = tuple(one for one in chosen if one in sent_to) if way is ways[-1] else ()
            return meant or chosen
    return ()


def address(found: str) -> str:
    """Returns an address in lower case, without what stands around it; empty where none is left."""
    local, _, domain = safe(found).lower().strip(_TRIMMED).rpartition("@")
    local, domain = local.strip("'`"), domain.strip(_TRIMMED)
    if glued := _GLUED.match(domain):
        domain = glued[1]
    return f"{local}@{domain}" if local and domain and domain[0].isalnum() else ""


def recipients_in(copy: str) -> Iterator[str]:
    """Yields the addresses in To of a returned mail's headers."""
    for match in re.finditer(
        r"^[> \t]{0,8}to: ?(.{0,2000}(?:\r?\n[ \t].{0,2000}){0,20})", copy, re.IGNORECASE | re.MULTILINE
    ):
        yield from filter(None, (address(found[1]) for found in ADDRESS.finditer(match[1])))
        return


def _flat(collapsed: str) -> str:
    """Makes lower case on one line of it, each character at its place: İ alone would become two."""
    return collapsed.replace("İ", "i").replace("’", "'").lower().replace("\n", " ")


def _end(flat: str, collapsed: str, at: int) -> int:
    ends = [end for phrase in _ENDS.within(flat) if (end := flat.find(phrase, at + 1)) >= 0]
    lower = collapsed.replace("İ", "i").lower()
    copy = _COPY.search(lower, at + 1)
    if copy:
        ends.append(copy.start())
    if not ends:
        return len(collapsed)
    end = min(ends)
    line = collapsed.rfind("\n", 0, end)
    return line if line > at else end
