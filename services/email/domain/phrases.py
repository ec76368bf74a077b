"""What mail programs write around a quotation and below a text, by language: data for `quotes.py`
and its neighbours, each list separated by `|`, in lower case.

The forms are those of the programs' own translations; which program writes which is told by the
fixtures in `tests/data/quotes`. A new language is a line in each table.
"""

from __future__ import annotations

ATTRIBUTIONS = {
    "en": "on {} wrote|at {} wrote|in a message dated {} writes|{} wrote on {}|{} wrote",
    "fr": "le {} a écrit|{} a écrit le {}|{} a écrit|en date de {} a écrit",
    "de": "am {} schrieb {}|am {} hat {} geschrieben|{} schrieb am {}|{} schrieb {}|{} schrieb",
    "es": "el {} escribió|en {} escribió|{} escribió el {}|{} escribió|el {} ha escrito",
    "it": "il {} ha scritto|in data {} ha scritto|{} ha scritto|{} ha scritto in data {}",
    "pt": "em {} escreveu|no dia {} escreveu|às {} escreveu|a {} escreveu|{} escreveu {}|{} escreveu",
    "nl": "op {} schreef {}|op {} heeft {} het volgende geschreven|{} schreef op {}|{} schreef",
    "sv": "den {} skrev {}|{} skrev {}|{} skrev den {}|{} skrev",
    "da": "den {} skrev {}|{} skrev den {}|{} skrev {}|{} skrev|på {} skrev {}",
    "nb": "den {} skrev {}|{} skrev {}|på {} skrev {}|{} skrev",
    "fi": "{} kirjoitti {}|{} kirjoitti",
    "pl": "w dniu {} napisał(a)|w dniu {} pisze|dnia {} napisał(a)|wiadomość napisana przez {} w dniu {}|{} napisał(a)|{} napisał"
    "|{} napisała|{} pisze|{} napisał(a) w dniu {}",
    "cs": "dne {} napsal(a)|dne {} napsal|{} odesílatel {} napsal|{} napsal(a)|{} napsal|{} napsala|{} píše",
    "hu": "{} írta|{} ezt írta|{} a következőt írta|{} ezt írta {}|{} írta {}|{} írta ekkor {}",
    "ro": "în {} a scris|pe {} a scris|la {} a scris|{} a scris|{} a scris pe {}|în data de {} a scris",
    "ru": "{} написал(а)|{} написал|{} написала|{} пишет|{} писал|{} писал {}|{} писал(а) {}|{} от {}",
    "uk": "{} пише|{} написав|{} написала|{} написав(ла)|{} написав(-ла)|{} писав|{} від {}",
    "el": "στις {} έγραψε|την {} έγραψε|{} έγραψε|{} έγραψε στις {}|{} γράφει",
    "tr": "{} tarihinde {} yazdı|{} tarihinde şunu yazdı|{} tarihinde şunları yazdı|{} şunları yazdı {}|{} şunları yazdı"
    "|{} şunu yazdı|{} yazdı|{} tarihinde yazdı|{} yazmış",
    "ar": "في {} كتب {}|في {} كتبت {}|في {} تمت كتابة ما يلي بواسطة {}|بتاريخ {} كتب {}|كتب {} في {}|{} كتب",
    "he": "בתאריך {} מאת {}|בתאריך {} כתב|בתאריך {} כתב/ה|{} כתב/ה|{} כתב|{} כתבה|ב {} כתב/ה",
    "ja": "{} のメール|{} さんは書きました|{} さんが書きました|{} さんのメッセージ|{} は書きました|{} が書きました|{} wrote",
    "ko": "{} 님이 작성|{} 작성|{} 이(가) 쓴 글|{} 이(가) 작성|{} 님이 쓴 글|{} 님이 작성한 메시지|{} 님이 썼습니다|{} 썼습니다|{} 님의 말",
    "zh": "{} 写道|{} 寫道|在 {} 写道|在 {} 寫道|{} 于 {} 写道|{} 於 {} 寫道|{} 来信|{} 來信|{} 撰写|{} 撰寫",
}
"""What introduces a quotation, before its colon; `{}` is who and when, in either order."""

UNDATED = {
    "en": "quoting {}|{} writes|{} wrote",
    "fr": "citation de {}|{} a écrit",
    "de": "zitat von {}|{} schrieb",
    "es": "citando a {}|{} escribió",
    "it": "citando {}|quoting {}|{} ha scritto",
    "pt": "citando {}|{} escreveu",
    "nl": "citeren van {}|{} schreef",
    "sv": "citerar {}|{} skrev",
    "da": "citat {}|{} skrev",
    "nb": "siterer {}|{} skrev",
    "fi": "lainaus {}|{} kirjoitti",
    "pl": "cytowanie {}|{} napisał(a)",
    "cs": "citace {}|{} napsal(a)",
    "hu": "idézet {}|{} írta",
    "ro": "citat din {}|{} a scris",
    "ru": "цитирование {}|{} написал(а)|{} пишет",
    "uk": "цитування {}|{} пише",
    "el": "παράθεση από {}|{} έγραψε",
    "tr": "alıntı {}|{} yazdı",
    "ar": "اقتباس {}|كتب {}",
    "he": "ציטוט {}|{} כתב/ה",
    "ja": "引用 {}|{} のメール",
    "ko": "인용 {}|{} 님이 작성",
    "zh": "引用 {}|{} 写道|{} 寫道",
}
"""The same without a date (hosts' webmail, Notes): only with an address, and over marked lines."""

MONTHS = {
    "en": "january february march april may june july august september october november december"
    " jan feb mar apr jun jul aug sep sept oct nov dec",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    " janv févr avr juil aoû sept déc",
    "de": "januar jänner februar märz april mai juni juli august september oktober november dezember mrz mär okt dez",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre"
    " ene abr ago dic",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
    " gen mag giu lug set ott",
    "pt": "janeiro fevereiro março maio junho julho setembro outubro novembro dezembro fev mai out dez",
    "nl": "januari februari maart mei juni juli augustus mrt okt",
    "sv": "mars maj augusti okt",
    "da": "januar februar marts maj juni juli oktober december",
    "nb": "februar mars desember des",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta"
    " marraskuuta joulukuuta tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu tammik helmik maalisk huhtik toukok kesäk heinäk elok syysk lokak marrask jouluk",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
    " sty lut kwi cze lip sie wrz paź lis gru",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince"
    " led úno bře dub kvě čvn čvc srp zář říj pro",
    "hu": "január február március április május június július augusztus szeptember október december"
    " febr márc ápr máj jún júl szept",
    "ro": "ianuarie februarie martie aprilie iunie iulie septembrie octombrie noiembrie decembrie ian iun iul noi",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря"
    " янв февр фев мар апр июн июл авг сент сен окт нояб ноя дек",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"
    " січ лют бер квіт кві трав тра черв чер лип серп сер вер жовт жов лист груд гру",
    "el": "ιανουαρίου φεβρουαρίου μαρτίου απριλίου μαΐου ιουνίου ιουλίου αυγούστου σεπτεμβρίου οκτωβρίου νοεμβρίου"
    " δεκεμβρίου ιαν φεβ μαρ απρ μαΐ μαϊ ιουν ιουλ αυγ σεπ σεπτ οκτ νοε νοεμ δεκ",
    "tr": "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık oca şub nis haz tem ağu eyl eki kas ara",
    "ar": "يناير فبراير مارس أبريل إبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر"
    " آذار نيسان أيار حزيران تموز آب أيلول شباط",
    "he": "ינואר פברואר מרץ מרס אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר"
    " בינואר בפברואר במרץ במרס באפריל במאי ביוני ביולי באוגוסט בספטמבר באוקטובר בנובמבר בדצמבר"
    " ינו׳ פבר׳ אפר׳ יונ׳ יול׳ אוג׳ ספט׳ אוק׳ נוב׳ דצמ׳ בינו׳ בפבר׳ באפר׳ ביונ׳ ביול׳ באוג׳ בספט׳ באוק׳ בנוב׳ בדצמ׳",
}
"""Names of months as they stand in dates; Japanese, Korean and Chinese write numbers."""

WHEN = {
    "en": "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun"
    " on at am pm o'clock st nd rd th of the eastern central mountain pacific standard daylight time gmt utc cet cest est edt cst cdt mst mdt pst pdt bst ist",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim le à a heures h",
    "de": "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so am um uhr den mez mesz"
    " folgendes",
    "es": "lunes martes miércoles jueves viernes sábado domingo dom mié jue vie sáb a las la de del hora día usuario",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica gio ven sab giorno alle ore del il",
    "pt": "segunda terça quarta quinta sexta segunda-feira terça-feira quarta-feira quinta-feira sexta-feira seg ter qua qui"
    " sex sáb feira dia às à s de brt brst",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo om het volgende",
    "sv": "måndag tisdag onsdag torsdag fredag lördag söndag mån tis ons tors tor fre lör sön kl klockan",
    "da": "mandag tirsdag tirs lørdag søndag man tir lør søn kl",
    "nb": "kl",
    "fi": "maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai maanantaina tiistaina keskiviikkona torstaina perjantaina lauantaina sunnuntaina ma ti ke to pe la su klo kello",
    "pl": "poniedziałek wtorek środa czwartek piątek sobota niedziela pon wt śr czw pt sob niedz o godz w dniu r użytkownik",
    "cs": "pondělí úterý středa čtvrtek pátek sobota neděle po út st čt pá so ne v uživatel",
    "hu": "hétfő kedd szerda csütörtök péntek szombat vasárnap h k sze cs p szo v időpont időpontban dátummal keltezéssel",
    "ro": "luni marți miercuri joi vineri sâmbătă duminică lun mie vin sâm dum la ora data de",
    "ru": "понедельник вторник среда четверг пятница суббота воскресенье пн вт ср чт пт сб вс г года в во мск пользователь",
    "uk": "понеділок вівторок середа четвер пʼятниця п'ятниця субота неділя нд р року о об користувач",
    "el": "δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή δευ τρί τετ πέμ παρ σάβ κυρ στις π.μ μ.μ πμ μμ την ο η"
    " ο/η χρήστης",
    "tr": "pazartesi salı çarşamba perşembe cuma cumartesi pazar pzt sal çar per cum cmt paz saat",
    "ar": "الاثنين الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد في الساعة ص م صباحا مساء يوم",
    "he": "יום ראשון שני שלישי רביעי חמישי שישי שבת א׳ ב׳ ג׳ ד׳ ה׳ ו׳ בשעה ב",
    "ja": "月 火 水 木 金 土 日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日 午前 午後",
    "ko": "월 화 수 목 금 토 일 월요일 화요일 수요일 목요일 금요일 토요일 일요일 오전 오후 에",
    "zh": "周一 周二 周三 周四 周五 周六 周日 週一 週二 週三 週四 週五 週六 週日 星期一 星期二 星期三 星期四 星期五 星期六 星期日"
    " 上午 下午 中午 晚上 凌晨",
}
"""Words of a date that are no part of a name."""

PARTICLES = "de du da di do dos das del della der den van von zu zum la le el al bin ibn ben y e und and via from of for bei chez"
"""Words of a name that have no capital."""

FROM = (
    "from|de|von|da|van|från|fra|lähettäjä|od|feladó|de la|expeditor|от|от кого|отправитель|від|від кого|від кого|από|kimden|gönderen"
    "|من|المرسل|מאת|差出人|送信者|from 差出人|보낸 사람|보낸사람|보낸이|发件人|寄件者|寄件人|發件人|expéditeur|remitente|mittente|remetente"
    "|afzender|absender|avsändare|afsender|avsender|nadawca|odesílatel"
)
SENT = (
    "sent|date|message du|envoyé|envoyé le|date d'envoi|gesendet|gesendet am|datum|enviado|enviado el|enviada|enviada em|enviado em|fecha|data"
    "|inviato|data invio|verzonden|skickat|sendt|dato|lähetetty|päivämäärä|päiväys|wysłano|wysłane|odesláno|elküldve|dátum|küldve"
    "|küldés ideje|trimis|data trimiterii|expediat|дата|отправлено|дата отправки|надіслано|відправлено|στάλθηκε|ημερομηνία|εστάλη|απεστάλη"
    "|gönderildi|gönderme tarihi|gönderilme zamanı|tarih|تاريخ الإرسال|تم الإرسال|أرسل|التاريخ|أُرسلت|נשלח|נשלח ב|תאריך"
    "|送信日時|日時|日付|送信|보낸 날짜|보낸날짜|날짜|보낸 시간|보낸시간|发送时间|发送日期|日期|时间|傳送時間|寄件日期|傳送日期|發送時間|發送日期|時間"
)
TO = (
    "to|à|a|an|para|aan|till|til|vastaanottaja|do|komu|címzett|către|catre|destinatar|кому|получатель|προς|kime|alıcı|إلى|المستلم|אל"
    "|宛先|받는 사람|받는사람|받는이|收件人|收件者|destinataire|destinatario|destinatário|empfänger|mottagare|modtager|mottaker|adresat"
)
COPY = (
    "cc|kopie|copie|copia|cópia|kopia|kopi|kopio|másolat|копия|копія|dw|udw|bcc|cc 抄送|抄送|副本|참조|נסמך|κοιν|κοινοποίηση|bilgi|نسخة"
    "|reply-to|antwort an|importance|wichtigkeit|priority|attachments|anlagen|pièces jointes|bijlagen"
)
SUBJECT = (
    "subject|objet|sujet|betreff|asunto|assunto|oggetto|onderwerp|ämne|emne|aihe|temat|předmět|věc|tárgy|subiect|тема|θέμα|konu|الموضوع"
    "|נושא|件名|題名|제목|主题|主旨|主題|标题|標題"
)
"""The fields of the table that programs put above what is answered or forwarded."""

ORIGINAL = (
    "original message|original appointment|message d'origine|message original|message initial|ursprüngliche nachricht|originalnachricht"
    "|original-nachricht|ursprüngliche mail|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht"
    "|origineel bericht|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|original meddelelse|opprinnelig melding"
    "|originalmelding|alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna|původní zpráva|původní e-mail|eredeti üzenet"
    "|mesaj original|mesajul original|исходное сообщение|оригинальное сообщение|оригінальне повідомлення|вихідне повідомлення"
    "|початкове повідомлення|αρχικό μήνυμα|πρωτότυπο μήνυμα|orijinal mesaj|özgün ileti|orjinal ileti|الرسالة الأصلية|رسالة أصلية"
    "|הודעה מקורית|ההודעה המקורית|元のメッセージ|オリジナルメッセージ|元のメール|원본 메시지|원본메시지|원본 메일|원본메일|原始邮件|原始信件|原始郵件"
    "|原邮件信息|回复的原邮件|回复的邮件|please type your reply above this line|please reply above this line|reply above this line|type your reply above this line|write your reply above this line"
    "|bitte antworten sie oberhalb dieser zeile|antworten sie oberhalb dieser zeile|répondez au-dessus de cette ligne|veuillez répondre au-dessus de cette ligne"
    "|escriba su respuesta por encima de esta línea|responda por encima de esta línea|responda acima desta linha"
    "|rispondi sopra questa riga|antwoord boven deze regel|original mail|reply message|replied message|original email"
)
"""Between rules: `-----Original Message-----`."""

FORWARDED = (
    "forwarded message|forwarded mail|begin forwarded message|message transféré|weitergeleitete nachricht|mensaje reenviado"
    "|mensagem encaminhada|mensagem reencaminhada|messaggio inoltrato|doorgestuurd bericht|vidarebefordrat meddelande"
    "|videresendt meddelelse|videresendt melding|edelleenlähetetty viesti|välitetty viesti|przekazana wiadomość|wiadomość przekazana"
    "|přeposlaná zpráva|továbbított üzenet|mesaj redirecționat|пересылаемое сообщение|пересланное сообщение|переслане повідомлення"
    "|προωθημένο μήνυμα|iletilen mesaj|yönlendirilmiş ileti|رسالة معاد توجيهها|הודעה שהועברה|転送メッセージ|転送されたメッセージ"
    "|전달된 메일|전달된 메시지|转发的邮件|轉寄的郵件|转发邮件|轉寄郵件"
)

BELOW = (
    "see below|answers below|answer below|replies below|reply below|comments below|inline|in-line|siehe unten|antworten unten|s. unten"
    "|voir ci-dessous|réponses ci-dessous|cf. ci-dessous|voir plus bas|ver abajo|vea abajo|respuestas abajo|más abajo|vedi sotto|risposte sotto"
    "|vedi di seguito|ver abaixo|veja abaixo|respostas abaixo|zie onder|zie hieronder|antwoorden hieronder|se nedan|svar nedan|se nedenfor"
    "|svar nedenfor|svar under|katso alla|ks. alla|vastaukset alla|patrz niżej|patrz poniżej|odpowiedzi poniżej|viz níže|odpovědi níže|lásd lent"
    "|lásd alább|válaszok lent|válaszaim lent|vezi mai jos|răspunsuri mai jos|răspunsurile mai jos|см. ниже|смотрите ниже|ответы ниже|див. нижче"
    "|відповіді нижче|βλ. παρακάτω|δείτε παρακάτω|απαντήσεις παρακάτω|aşağıya bakın|cevaplar aşağıda|cevaplarım aşağıda|انظر أدناه|الردود أدناه"
    "|إجاباتي أدناه|ראה למטה|ראו למטה|תשובות למטה|文中に回答|文中にて回答|インラインで|아래에 답변|아래 답변|본문에 답변|文中回复|见下文|見下文|回复如下|回覆如下"
)
"""Where one of these stands in the text, answers stand in the old mail below it."""

REPLY_PREFIXES = "re|aw|sv|vs|antw|antwort|rép|réf|rif|res|odp|ynt|ref|r|atb|vá|απ|σχετ|отв|на|від|השב|תגובה|رد|回复|回覆|答复|答覆|返信|답장|회신"
FORWARD_PREFIXES = "fw|fwd|wg|tr|rv|i|enc|pd|vs|doorst|vb|vl|vidaresänt|fs|továbbítás|tov|πρθ|ilt|пересл|העבר|إعادة توجيه|轉寄|转发|転送|전달"

FOOTERS = (
    "sent from my {}|sent from {}|sent via {}|sent with {}|sent using {}|get {} for {}|sent on the go {}|written with {}"
    "|envoyé de mon {}|envoyé depuis mon {}|envoyé depuis {}|envoyé à partir de {}|envoyé avec {}|télécharger {} pour {}|obtenez {} pour {}"
    "|von meinem {} gesendet|gesendet von meinem {}|gesendet von {}|von {} gesendet|gesendet mit {}|diese nachricht wurde von {} gesendet"
    "|{} für {} herunterladen|descargar {} para {}|transferir o {} para {}|baixe o {} para {}|holen sie sich {} für {}|beziehen sie {} für {}"
    "|enviado desde mi {}|enviado desde {}|enviado con {}|obtener {} para {}"
    "|enviado do meu {}|enviado a partir do meu {}|enviado de meu {}|enviado do {}|enviado com {}|obter o {} para {}|obtenha o {} para {}"
    "|inviato da {}|inviato dal mio {}|inviato con {}|scarica {} per {}|ottieni {} per {}"
    "|verzonden vanaf mijn {}|verstuurd vanaf mijn {}|verzonden met {}|verstuurd vanaf {}|outlook voor {} downloaden|downloaden {} voor {}"
    "|skickat från min {}|skickat från {}|skickat med {}|hämta {} för {}|skaffa {} för {}"
    "|sendt fra min {}|sendt fra mit {}|sendt fra {}|sendt med {}|hent {} til {}|få {} til {}|skaff deg {} for {}|last ned {} for {}"
    "|lähetetty {}|hanki {}"
    "|wysłane z {}|wysłano z {}|wysłane za pomocą {}|pobierz {}"
    "|odesláno z {}|odesláno pomocí {}|odesláno ze {}|odesláno prostřednictvím {}|získat {} pro {}|získejte {} pro {}"
    "|elküldve {}|{} küldve|{} küldtem|az {} készülékemről küldve|{} beszerzése {}"
    "|trimis de pe {}|trimis din {}|trimis cu {}|expediat de pe {}|obțineți {} pentru {}|descărcați {} pentru {}"
    "|отправлено с {}|отправлено из {}|отправлено через {}|отправлено при помощи {}|отримати {} для {}|получить {} для {}|скачать {} для {}"
    "|надіслано з {}|надіслано із {}|відправлено з {}|надіслано через {}"
    "|στάλθηκε από {}|εστάλη από {}|στάλθηκε με {}|λήψη του {} για {}|αποκτήστε το {} για {}"
    "|{} gönderildi|{} ile gönderildi|{} edinin|{} indir|{} edin"
    "|أرسلت من {}|أُرسلت من {}|مرسل من {}|تم الإرسال من {}|أرسل من {}|الحصول على {} ل {}"
    "|נשלח מ {}|נשלח מה {}|נשלח באמצעות {}|קבל את {} עבור {}"
    "|{} から送信|{} から送信されました|{} で送信|{} を入手"
    "|나의 {} 에서 보냄|내 {} 에서 보냄|{} 에서 보냄|{} 에서 보낸 메일|{} 에서 전송|{} 으로 보냄|{} 다운로드"
    "|发自我的 {}|发自 {}|從我的 {} 傳送|從我的 {} 發送|寄自我的 {}|从我的 {} 发送|来自 {}|獲取 {}|获取 {}|通过 {} 发送|傳送自 {}"
)
"""What mail programs say of themselves below a text; `{}` names the program or the device."""

DEVICES = (
    "iphone|iphonu|ipad|ipod|apple|ios|mac|android|androidista|galaxy|samsung|huawei|xiaomi|redmi|oneplus|pixel|nokia|sony|xperia|motorola|lg|htc|honor|oppo"
    "|vivo|blackberry|windows|outlook|yahoo|gmail|proton|protonmail|tuta|tutanota|thunderbird|mailbird|airmail|spark|k-9|fairemail|aquamail"
    "|bluemail|blue mail|edison|newton|superhuman|hey|zoho|gmx|web.de|freenet|orange|t-online|libero|mail.ru|yandex|яндекс|яндекс.почты|почты|ukr.net"
    "|naver|네이버|daum|kakao|qq|foxmail|163|126|网易|網易|邮箱|郵箱|em client|mail for windows|mobile|smartphone|phone|handy|mobiltelefon|téléphone|telephone"
    "|portable|móvil|movil|celular|cellulare|telefono|telemóvel|telefoon|mobiel|telefon|telefoni|puhelimesta|puhelimestani|iphonesta|iphonestani|mobilního telefonu"
    "|telefonu|telefonem|komórki|okostelefonomról|telefonul|мобильного|телефона|айфона|мобільного|телефону|κινητό|τηλέφωνο|cep telefonum|telefonumdan"
    "|هاتفي|جوال|جوالي|الآيفون|الهاتف|הנייד|הטלפון|スマートフォン|携帯|スマホ|휴대폰|스마트폰|手机|手機|iphone'umdan|outlookista|tablet|tablette"
)
"""By one of these a footer is told from a customer's own sentence (`Sent from my old address`)."""

CLOSINGS = (
    "best regards|kind regards|regards|best|best wishes|sincerely|yours sincerely|yours faithfully|warm regards|many thanks|thanks|thank you"
    "|cheers|with kind regards|thanks and regards|cordialement|bien cordialement|bien à vous|sincères salutations|meilleures salutations"
    "|mit freundlichen grüßen|mit freundlichem gruß|freundliche grüße|viele grüße|beste grüße|liebe grüße|herzliche grüße|mfg|lg|vg"
    "|mit freundlichen grüssen|freundliche grüsse|saludos|un saludo|saludos cordiales|atentamente|cordialmente|cordiali saluti|distinti saluti"
    "|un cordiale saluto|saluti|atenciosamente|cumprimentos|com os melhores cumprimentos|met vriendelijke groet|met vriendelijke groeten"
    "|vriendelijke groet|groeten|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|hälsningar|mvh|med venlig hilsen|venlig hilsen"
    "|de bedste hilsner|med vennlig hilsen|vennlig hilsen|hilsen|ystävällisin terveisin|terveisin|yt|z poważaniem|pozdrawiam"
    "|z wyrazami szacunku|s pozdravem|s přátelským pozdravem|hezký den|üdvözlettel|tisztelettel|üdv|cu stimă|cu respect|toate cele bune"
    "|с уважением|с наилучшими пожеланиями|з повагою|з найкращими побажаннями|με εκτίμηση|φιλικά|χαιρετισμούς|saygılarımla|saygılar|iyi günler"
    "|مع التحية|تحياتي|مع أطيب التحيات|مع خالص التحية|בברכה|בכבוד רב|よろしくお願いいたします|よろしくお願いします|敬具|以上"
    "|감사합니다|안녕히 계세요|드림|올림|此致|敬礼|祝好|谢谢|謝謝|順頌商祺|顺颂商祺"
)
"""What stands above a name at the end."""

CONTACTS = (
    "tel|tél|telefon|telephone|téléphone|teléfono|telefono|telefone|telefoon|puh|puhelin|phone|ph|mobile|mobil|mob|mobiel|móvil|portable"
    "|cell|handy|port|fixe|bureau|standard|durchwahl|zentrale|tlf|mobiltlf|fax|faks|telefax|gsm|cel|celular|cellulare|kom|тел|телефон|моб|факс|τηλ|τηλέφωνο|κιν|cep|هاتف|جوال|فاكس|טלפון|נייד|טל|פקס|電話"
    "|tel/fax|携帯|전화|휴대폰|휴대전화|팩스|电话|手机|手機|传真|傳真|e-mail|email|mail|web|www|site|website|url|skype|linkedin|t|m|p|f|e|w|d|"
    "メール|邮箱|이메일|почта|internet|direct|office|whatsapp|telegram|vat|ust-idnr|siret|kvk|nip"
)
"""Labels of a contact block's lines."""

CALLS = (
    "call me|call back|ring me|phone me|reach me|contact me|my number|rufen sie|ruft mich|rückruf|anruf|zurückruf|appelez|rappel|mon numéro"
    "|joindre|llám|llame|llamad|mi número|richiam|chiam|mio numero|ligue|ligar|telefone|meu número|bel me|bellen|mijn nummer|ring mig|ring meg"
    "|ringa|ringe|mitt nummer|soitta|soita|numeroni|zadzwo|dzwon|mój numer|zavolej|volejte|hívj|hívás|visszahív|sunați|suna|позвон|звон|номер"
    "|зателефон|подзвон|τηλεφων|καλέσ|beni ara|arayın|arayabil|numaram|اتصل|رقمي|התקשר|להתקשר|電話|ご連絡|연락|전화|打电话|来电|回电|联系|聯絡"
)
"""Where one of these stands in the text, the number below it is part of what is said."""
PLACES = (
    "my address|new address|address is|address below|deliver to|deliver there|deliver it|send it to|ship it to|ship to|moved to|have moved|neue adresse|meine adresse"
    "|adresse ist|liefern sie|umgezogen|schicken sie|senden sie|nouvelle adresse|mon adresse|adresse est|livrer|livrez|déménag|envoyez|nueva dirección|mi dirección"
    "|dirección es|entregar|entreguen|envíen|mudado|novo endereço|meu endereço|nova morada|entregue|mudei|nuovo indirizzo|mio indirizzo|consegnare|consegnate"
    "|spedite|trasferit|nieuwe adres|mijn adres|bezorg|verhuisd|ny adress|min adress|ny adresse|min adresse|leverer|levere|leverera|flyttat|flyttet|osoitteeni"
    "|uusi osoite|toimita|muuttan|nowy adres|mój adres|dostarcz|przeprowad|nová adresa|moje adresa|doručte|přestěhoval|új cím|címem|szállít|költöz|noua adresă"
    "|adresa mea|livrați|mutat|новый адрес|мой адрес|достав|переех|нова адреса|моя адреса|переїха|νέα διεύθυνση|διεύθυνσή μου|μετακόμισ|yeni adres|adresim|taşındı"
    "|عنواني|العنوان الجديد|כתובת חדשה|הכתובת שלי|עברנו|住所|お届け|引っ越|주소|배송지|이사|地址|送到|搬家|搬到"
)
"""The same of an address."""

DISCLAIMERS = (
    "are not the intended recipient|not the named addressee|intended solely for|intended only for|may contain confidential|is confidential and may|privileged information"
    "|confidential and intended|please consider the environment|checked for viruses by|scanned for viruses|www.avast.com|www.avg.com|ce message est confidentiel"
    "|ce message et ses pièces jointes|ce message et toutes les pièces|si vous n'êtes pas le destinataire|si vous avez reçu ce message par erreur"
    "|pensez à l'environnement|diese e-mail enthält vertrauliche|diese e-mail kann vertrauliche|diese nachricht ist vertraulich"
    "|nicht der richtige adressat|nicht der beabsichtigte|irrtümlich erhalten|denken sie an die umwelt|auf viren geprüft"
    "|este mensaje y sus archivos|este correo electrónico y sus|si no es usted el destinatario|si usted no es el destinatario"
    "|piense en el medio ambiente|esta mensagem pode conter|esta mensagem e seus anexos|se não for o destinatário|se você não é o destinatário"
    "|se não é o destinatário|questo messaggio e gli eventuali|questo messaggio è riservato|se avete ricevuto questo messaggio per errore"
    "|le informazioni contenute in questo messaggio|dit bericht is uitsluitend bestemd|dit e-mailbericht is vertrouwelijk|niet de beoogde ontvanger"
    "|niet de geadresseerde|detta meddelande är konfidentiellt|inte är den avsedda mottagaren|inte är avsedd mottagare"
    "|denne e-mail er fortrolig|ikke er den rette modtager|ikke den tilsigtede modtager|denne e-posten er konfidensiell|ikke er rette mottaker"
    "|tämä viesti on luottamuksellinen|ette ole viestin oikea vastaanottaja|jos et ole viestin tarkoitettu|wiadomość ta jest poufna"
    "|niniejsza wiadomość|nie jest państwo adresatem|nie są państwo adresatem|wolna od wirusów|tato zpráva je důvěrná|tento e-mail je důvěrný"
    "|nejste zamýšleným příjemcem|nejste-li zamýšleným|ez az üzenet bizalmas|ez az e-mail bizalmas|nem ön a címzettje"
    "|ha nem ön a címzett|acest mesaj este confidențial|dacă nu sunteți destinatarul|сообщение является конфиденциальным"
    "|содержит конфиденциальную информацию|не являетесь адресатом|не являетесь получателем|проверено на вирусы|містить конфіденційну інформацію"
    "|не є адресатом|не є одержувачем|перевірено на віруси|το παρόν μήνυμα είναι εμπιστευτικό|δεν είστε ο παραλήπτης"
    "|δεν είστε ο προοριζόμενος|bu e-posta gizli|bu mesaj ve ekleri|mesajın alıcısı değilseniz|hedeflenen alıcı değilseniz"
    "|هذه الرسالة سرية|إذا لم تكن المستلم المقصود|הודעה זו חסויה|אם אינך הנמען|本メールには機密情報|このメールには機密"
    "|誤って受信された場合|意図した受信者でない|본 메일은 기밀|본 이메일은 지정된 수신인|기밀 정보를 포함|수신인이 아닌 경우|잘못 수신|本邮件及其附件"
    "|本郵件及其附件|此邮件包含保密|如果您不是预定的收件人|若您非指定|如您错误收到|若您不是"
)
"""By one of these a last paragraph is a disclaimer or a scanner's note."""


def listed(*tables: str) -> list[str]:
    """Returns a table's entries, the longest first, so that in a pattern none hides another."""
    return sorted({entry for table in tables for entry in table.split("|") if entry}, key=lambda one: (-len(one), one))
