"""Why a mail did not arrive, as one of a few classes: from the code (RFC 3463) and the words of the
other side, of which the words are the more exact: half of all servers answer 5.7.1 to anything."""

from __future__ import annotations

import re
from enum import StrEnum

from services.email.domain.sought import Sought


class Reason(StrEnum):
    """What an agent can do something about, each in other ways."""

    NO_SUCH_ADDRESS = "no-such-address"
    NO_SUCH_DOMAIN = "no-such-domain"
    CLOSED = "closed"
    """The mailbox is switched off, or its owner has moved."""
    FULL = "full"
    TOO_LARGE = "too-large"
    UNREACHABLE = "unreachable"
    """The server does not answer, or did not for days."""
    SPAM = "spam"
    BLOCKED = "blocked"
    """Our server, not the mail, is unwelcome."""
    UNPROVEN = "unproven"
    """SPF, DKIM or DMARC."""
    CONTENT = "content"
    """A virus, or a kind of file that is not let in."""
    REFUSED = "refused"
    """Rules of the receiver, such as a list for members only."""
    LATER = "later"
    """Too much at once, or greylisted."""
    LOOP = "loop"
    CHALLENGE = "challenge"
    """The receiver asks the sender to confirm."""
    SYSTEM = "system"
    """The other side has a fault of its own."""
    UNSAID = "unsaid"


_PHRASES: tuple[tuple[Reason, tuple[str, ...]], ...] = tuple(
    (Reason(name), tuple(phrase.strip() for line in lines for phrase in line.split(",") if phrase.strip()))
    for name, *lines in (
        entry.split("\n  ")
        for entry in re.split(
            r"\n(?! )",
            """
loop
  mail loop, routing loop, too many hops, hop count exceeded, mail is looping, loops back to myself,
  mail forwarding loop,
full
  mailbox full, mailbox is full, mailbox for user is full, over quota, quota exceeded, exceeded the quota,
  exceeded storage, exceeded its storage, out of storage space, overquota, mailbox exceeds allowed size,
  exceeded the local limit, storage quota, user is over the quota, mailbox size limit, insufficient disk space,
  not enough storage space, disk quota exceeded, inbox is full, quota_exceeded, account is full, full mailbox,
  boîte pleine, boite pleine, boîte aux lettres est pleine, postfach ist voll, postfach voll, mailbox voll,
  buzón lleno, casella piena, caixa postal cheia, ящик переполнен, переполнен, skrzynka przepełniona,
  posta kutusu dolu, 용량이 초과, 용량 초과, 편지함이 가득, メールボックスがいっぱい, 容量を超え, 邮箱已满, 郵箱已滿, 信箱已滿,
  postfach des empfängers ist voll, überfüllt, destinataire est pleine, quota dépassé, está lleno, está llena, está cheia,
  cota excedida, è piena, geadresseerde is vol, ontvanger is vol, mailbox is vol, postvak is vol, jest pełna,
  メールボックスが一杯, 容量オーバー, 보관 용량, 收件箱已满, 空间不足, 容量已满,
  exceeded the storage, speicherlimit, quota du destinataire, quota est dépassé, superado su cuota, excedido su cuota, cuota excedida,
  excedeu a cota, superato la quota, quota superata, quotum, limit miejsca, превышена квота, квота превышена,
too-large
  message too large, message too big, message size exceeds, size limit exceeded, exceeds size limit,
  exceeds the maximum message size, message is too large, exceeds maximum size, message exceeded,
  message length exceeds, mail size limit, size exceeds, trop volumineux, nachricht ist zu groß,
  demasiado grande, слишком больш,
  zu groß, trop gros, muito grande, troppo grande, te groot, zbyt duż, слишком велик, サイズが大きすぎ, サイズ制限, 너무 큽, 너무 커,
  크기를 초과, 过大, 過大, 太大,
  bigger than, zulässige größe, taille du message, dépasse la taille, tamaño del mensaje, tamanho da mensagem, dimensione del messaggio,
  dimensioni del messaggio, toegestane grootte, dozwolony rozmiar, размер письма, размер сообщения, サイズの上限, 크기가 제한, 크기 제한,
  大小超过,
unproven
  dmarc, unauthenticated email, spf check, spf fail, sender policy framework, dkim, not pass authentication,
  doesn't pass authentication, authentication checks, spf validation,
later
  greylist, graylist, grey listed, greylisting, try again later, rate limit, ratelimit, too many messages,
  too many connections, throttl, too many recipients, sending rate, receiving mail too quickly,
  receiving mail at a rate, temporarily deferred, come back later, zu viele verbindungen,
content
  virus, malware, infected, attachment type, blocked attachment, attachment is not allowed, file type,
  potential security issue, content blocked, content rejected, executable,
blocked
  blacklist, black list, blocklist, block list, blocked using, spamhaus, barracudacentral, spamcop, rbl, dnsbl,
  poor reputation, bad reputation, reputation, ip address is blocked, client host rejected, banned, your ip,
  is listed in, are listed in, listed by, listed on, reverse dns, ptr record, helo command rejected, bad outbound sender,
  connection refused by policy, service refused,
  sperrliste, blockliste, liste noire, lista negra, lista nera, zwarte lijst, czarnej liście, czarną listę, чёрном списке, черном списке,
  чёрный список, черный список, ブラックリスト, 차단 목록, 서버가 차단, 黑名单, 黑名單,
  ip-adresse ist gesperrt, adresse ip est bloquée, dirección ip está bloqueada, endereço ip está bloqueado, indirizzo ip è bloccato,
  ip-adres is geblokkeerd, ip nadawcy jest zablokowany, ip-адрес заблокирован, ipアドレスが拒否, ip 주소가 차단, ip被拒,
spam
  spam, junk, unsolicited, bulk mail, looks like uce, considered uce,
  indésirable, correo no deseado, indesiderata, спам, 迷惑メール, スパム, 스팸, 垃圾邮件, 垃圾郵件, 反垃圾,
closed
  disabled, inactive, suspended, deactivated, account closed, account is closed, no longer valid,
  no longer active, no longer in use, no longer accepts, has moved, account has been closed, mailbox is closed,
  not active, has been discontinued, expired account, account expired,
  account that you tried to reach is disabled, locked, deaktiviert, désactivé, inactif, заблокирован, отключен,
  휴면, 정지, 停用, 冻结,
  desactivad, desativad, disattivat, uitgeschakeld, gedeactiveerd, konto odbiorcy jest zablokowane, konto jest zablokowane,
  konto nieaktywne, 無効になって, 無効です, 已被注销,
  konto ist gesperrt, postfach ist gesperrt, está suspendida, está suspensa, è sospeso, opgeheven, zostało wyłączone, 停止されて,
no-such-domain
  host unknown, domain not found, host not found, name or service not known, no such domain, unknown host,
  unrouteable mail domain, unrouteable address, unroutable, domain name not found, name service error,
  dns error, no mx record, has no mail exchanger, nullmx, null mx, does not accept mail, couldn't find any host,
  invalid domain, nxdomain, domain couldn't be found, bad domain, illegal host/domain, domain does not exist,
  no mail hosts for domain, domain isn't in my list,
  domain existiert nicht, domain des empfängers existiert nicht, domain nicht gefunden, domain wurde nicht gefunden, domaine n'existe pas,
  domaine du destinataire n'existe pas,
  domaine inconnu, domaine introuvable, dominio no existe, dominio del destinatario no existe, domínio não existe,
  domínio do destinatário não existe, dominio non esiste, dominio inesistente, dominio del destinatario non esiste, domein bestaat niet,
  domein van de geadresseerde bestaat niet, domein van de ontvanger bestaat niet, domena nie istnieje, domena odbiorcy nie istnieje,
  домен не существует, домен получателя не существует, домен не найден, ドメインが存在しません, ドメインが見つかりません,
  도메인이 존재하지, 도메인을 찾을 수 없, 域名不存在, 網域不存在,
  domain gibt es nicht, domaine inexistant, dominio inexistente, domínio inexistente, домена нет, 없는 도메인,
no-such-address
  user unknown, unknown user, no such user, unknown recipient, recipient unknown, recipnotfound,
  recipientnotfound, does not exist, doesn't exist, no mailbox here, mailbox unavailable, mailbox not found,
  no such mailbox, no such recipient, not a known user, unknown address, address unknown, invalid recipient,
  invalid mailbox, invalid address, invalid final delivery userid, user not found, not listed in, not found,
  no such account, address rejected, recipient rejected, bad destination, couldn't be found, could not be found,
  wasn't found, unknown local, unknown or illegal alias, no such person, no such local, doesn't have a,
  not recognized, no valid recipients, is not a valid, undeliverable address, unknown account,
  no account by that name, unknown to address, account not available, inexistant, inexistente,
  nicht aufgeführt, nicht im domino, n'existe pas, inconnu,
  unbekannt, existiert nicht, no existe, desconocido, non esiste, sconosciuto, não existe, bestaat niet,
  onbekend, nie istnieje, neexistuje, не найден, не существует, нет такого пользователя, bulunamadı, 존재하지 않,
  없는 사용자, 찾을 수 없, 없는 계정, 存在しません, 見つかりません, リストにありません, アドレス不明, アドレスが見つから, 不存在, 找不到,
  nicht gefunden, introuvable, pas été trouvé, no se ha encontrado, no se encontró, no encontrad, não foi encontrad, não encontrad,
  non è stato trovato, non trovat, inesistente, niet gevonden, nie znaleziono, nieznany użytkownik, nieznany odbiorca,
  nieznany adres, не знайден,
  no account with, desconhecid, 該当するユーザー,
refused
  not authorized, not authorised, not permitted, permission, not allowed, relaying denied, relay denied,
  relay access denied, relaying not allowed, restricted, members only, member of the list, sender rejected,
  sender denied, policy, access denied, not accepting mail, rejected by the recipient, moderat,
unreachable
  timed out, timeout, connection refused, connection lost, no route to host, network is unreachable,
  unreachable, could not connect, couldn't connect, cannot connect, not responding, host not reachable,
  connection dropped, retry timeout exceeded, delivery time expired, delivery expired, message expired,
  too long in the queue, in the queue too long, could not be delivered for, connection reset, no response,
  host is down, cannot send message for,
  nicht erreichbar, zeitüberschreitung, injoignable, délai d'attente, ne répond pas, no se ha podido conectar, no se pudo conectar,
  tiempo de espera, não foi possível conectar, não responde, tempo esgotado, raggiungibile, non risponde, tempo scaduto,
  niet bereikbaar, reageert niet, nie można połączyć, nie odpowiada, недоступен, не отвечает, 接続できません, 応答がありません,
  タイムアウト, 연결할 수 없, 응답하지 않, 응답이 없, 시간 초과, 无法连接, 無法連線, 没有响应, 超时, 逾時,
  verbindung zum server, keine verbindung, connexion impossible, impossible de se connecter, no responde, geen verbinding,
system
  local error, internal error, system error, configuration error, misconfig, out of memory, temporary failure,
  temporary error, server error, mail server error, unable to open, input/output error, command not found,
  can't create,
""".strip(),
        )
    )
)
"""In this order: `the recipient's mailbox is full, user not found` is about the mailbox."""
_PLACES = {phrase: place for place, (_, phrases) in reversed(list(enumerate(_PHRASES))) for phrase in phrases}
_SOUGHT = Sought(_PLACES)
_CODES = {
    **dict.fromkeys(("1.0", "1.1", "1.3", "1.4", "1.10", "1.14"), Reason.NO_SUCH_ADDRESS),
    **dict.fromkeys(("1.2", "1.9", "4.4"), Reason.NO_SUCH_DOMAIN),
    **dict.fromkeys(("1.6", "2.1"), Reason.CLOSED),
    **dict.fromkeys(("2.2", "3.1"), Reason.FULL),
    **dict.fromkeys(("2.3", "3.4"), Reason.TOO_LARGE),
    **dict.fromkeys(("4.1", "4.2", "4.7", "4.0", "4.3"), Reason.UNREACHABLE),
    **dict.fromkeys(("4.5", "5.3"), Reason.LATER),
    "4.6": Reason.LOOP,
    **dict.fromkeys(("7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.29", "7.30", "7.509"), Reason.UNPROVEN),
    **dict.fromkeys(("7.0", "7.1", "7.2", "2.4", "1.7", "1.8"), Reason.REFUSED),
    **dict.fromkeys(("6.0", "6.1", "6.2", "6.3", "6.6"), Reason.CONTENT),
    **dict.fromkeys(("3.0", "3.2", "3.3", "3.5", "2.0"), Reason.SYSTEM),
}  # fmt: skip
"""RFC 3463, 5248, 7372, 7505; Microsoft's own beyond 7.500."""
_STATUS = re.compile(r"(?<![\d.])[45]\.(\d{1,3}\.\d{1,3})(?!\.?\d)")
_LONGEST = 4_000


def reason_of(detail: str, status: str = "") -> Reason:
    """Returns the class of what the other side said; `status`: its code, where it stands
    elsewhere."""
    lower = " ".join(detail[:_LONGEST].lower().replace("’", "'").split())
    if told := _SOUGHT.within(lower):
        return _PHRASES[min(_PLACES[phrase] for phrase in told)][0]
    found = _STATUS.search(status) or _STATUS.search(lower)
    return _CODES.get(found[1], Reason.UNSAID) if found else Reason.UNSAID
