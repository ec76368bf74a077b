"""What a word does in a post, in eight languages: it thanks, praises, blames, tells of a failure or of one put right. One weight
for all words of a kind lets the model judge words that no example has. A kind is evidence, never a verdict."""

from __future__ import annotations

from functools import lru_cache

from services.social.domain.words import is_japanese, is_korean

_WHOLE = "="
"""After a stem: only this word. Otherwise it is how a word begins; in Korean and Japanese, what a word contains."""
_STEMS = {
    "thanks": """
        thank thx= cheers= grateful kudos shoutout appreciat
        merci= mercis= remerci chapeau= danke= dank= vielen= bedank gracias= agradec grazie= ringrazi obrigad=
        obrigada= obrigado= valeu=
        감사 고맙 고마 덕분 ありがと 感謝 感激 おかげ お礼 サンクス
    """,
    "glad": """
        love= loved loving lovely great= greatest awesome wonderful excellent fantastic amaz perfect brillian
        superb outstanding delicious
        helpful friendl kind= kindn kindest patient best= happy happi glad= delight impress recommend beautiful
        gorgeous comfy cosy pleasant
        pleasure enjoy smooth easy= easiest nice= nicest charming gem= angel genius magic spotless flawless
        tasty yummy favourite favorite
        proud fun= welcoming thoughtful generous smile smiling worth= hooked fab= ace= stunning reliable class=
        heaven treat=
        genial super= superbe excellent parfait formidable impeccable delicieu sympa adorable fantastique bravo
        merveill magnifique agreable
        content= contente ravi= ravie= heureu gentil accueil regal beau= belle= bien= efficace top= recommand
        adore= adorons souri douce
        bonheur meilleur chaleureu aimable nickel= canon= delice plaisir fidele
        toll= tolle= toller= super= klasse= spitze freundlich nett= nette= netter= nettest herzlich schon=
        schone schoner= schonst wunderbar
        wunderschon perfekt hervorrag ausgezeichnet lecker kostlich begeister zufrieden gluckl empfehl empfahl
        liebe= lieben= liebevoll
        freut= freue= freude= beste= bester= bestes= besten= genial grossart hilfsbereit gemutlich zuverlass
        sauber= schnell= prima=
        stark= mega= traumhaft lob= respekt= geduld lachel gelungen problemlos kompetent
        genial increib maravill excelent perfect encant fantastic bueno= buena= buenisim riquisim rico= rica=
        delicios amabl amabil feliz
        contento= contenta= recomiend recomend mejor= mejores= rapid majo= maja= majisim simpatic estupend
        hermos precios bonit graci= gusta=
        gusto= disfrut cariño carin impecable genios sonris calidad= crack= cracks= felicid acogedor fenomenal
        alegri enamorad
        otim= otima= otimo= otimos= maravilh excelente perfeit incrivel adorei adoro= amei= amo= lind= linda=
        lindo= gostos delici simpatic
        atencios feliz= felizes recomend melhor= melhores= rapid sensacional parabens carinh impecavel show=
        bom= boa= otimas= querid
        educad prestativ satisfeit caprich
        ottim= ottimo= ottima= ottimi= ottime= bell= bello= bella= bellissim bravissim bravi= brava= bravo=
        buon= buono= buona= buonissim
        eccellen meravigli perfett fantastic splendid gentil gentilissim squisit consigli= consigliat felic
        content migliore= migliori=
        veloc puntual complimenti impeccabil stupend adoro= delizios piacer piaciut cordial disponibil cortes
        simpatic sorris accoglient
        최고 좋아 좋은 좋네 좋았 좋습 좋다 친절 맛있 완벽 추천 예뻐 예쁘 이쁘 감동
        행복 만족 빠르 빨라 편해 편하 편리 훌륭 멋지 멋져 멋진 대박 기분좋 사랑
        다정 깨끗 든든 재밌 재미있 강추 최애 따뜻 정성 기뻐 기쁘 센스 반했 즐거
        귀여 꿀맛 신속 짱
        最高 素晴 すばらし 嬉し うれし 美味 おいし 楽し 素敵 すてき 丁寧 親切 優し
        完璧 満足 好き かわい 可愛 おすすめ オススメ 気に入 きれい 綺麗 快適 神対応
        便利
        幸せ 早くて 速くて 助かり 癒 感動 良かった よかった 良い 笑顔 さすが 見事
        大好き 頼もし 心地 安心 抜群 温か 愛用 ファン
    """,
    "bad": """
        awful terrible horrible horrid pathetic useless dreadful appalling disgust rude unreliab nightmare
        disaster embarrass shocking
        ridiculous infuriat dishonest hopeless garbage trash unprofessional laughabl worst disappoint frustrat
        annoy upset unhappy angry
        irritat unacceptable disgrac shame scam joke= rubbish ignored ignor fed= sick= sad= poor= poorest filthy
        dirty greedy fraud lies= liar
        incompeten outrag avoid= misle unfair terribl shambl mess= messed hate= crap cheat
        nul= nulle= horrible honte= honteu scandal inadmiss inaccept lamentabl decu= decue= deception deplorab
        arnaqu voleur incompet
        catastroph degout insupport enerve agac marre= ras= pire= inutil mauvais moche= foutage mepris ridicul
        impoli sale= malpropre bordel
        furieu pourri minable incapabl mensong menteu
        schlecht schlimm furchtbar schrecklich mies= miese= miesest unverschamt frech= frechheit zumutung
        katastroph enttausch arger= argert
        argerlich nerv= nervt= nervig unfreundlich unfahig unmoglich= inakzeptab peinlich lacherlich betrug
        abzock sauer= wutend dreck= dreckig
        schmutz unzuverlass unerhort saftlad mullhauf grottig skandal traurig= blamab
        pesim malo= mala= malisim horribl terribl vergonz fatal= asco= asqueros estafa= estafad ladron inutil
        peor=
        peores= inacept decepcion lamentab indignant indigna= molest enfad harto= harta= cabread desastr grosero
        maleduc impresentab
        engan mentir= mentiros timo= caos= robo= basura= patetic
        pessim= pessimo= pessima= pessimos= horrivel terrivel vergonha vergonhos descaso decepcion absurd=
        absurdo= ridicul desrespeit golpe=
        inaceit lixo= pior= piores= raiva= irritad revolt palhacad enrola= enrolac lament= lamentavel mal= ruim=
        ruins= nojo= nojent porcaria
        calote cansad mentira= chatead
        pessim schif orribil terribil vergogn indecen inaccettab delus deluden truff ladri scandal disast
        maleduc scortes incompet assurd
        peggior peggio= ridicol rabbia arrabbiat stuf= stufo= stufa= stanco= furios penos imbarazzant ignorat
        inutil brutto= brutta= sporc
        최악 실망 화나 화가나 짜증 어이없 어이가 너무하 불친절 엉망 쓰레기 황당 답답
        열받 불쾌 무례 무책임 형편없 속았 사기 기막 후회 호구 무시 억울 빡 한심
        더럽
        노답 별로 불편
        最悪 ひど 酷 がっかり 残念 不満 不快 腹が立 腹立 怒 ありえな あり得な
        いい加減 最低 失礼 雑 呆れ あきれ 困って 困り うんざり 馬鹿 バカ 詐欺 無責任
        不親切
        ふざけ 汚 おかしい 信じられな 悲し 損した 横柄 無視
    """,
    "failure": """
        broken broke= breaks= crash freez froze= error errors= fails= failed failing failure fault defect lost=
        losing missing delay cancelled
        canceled late= stuck= damaged damage crack leak overcharg charged= charging wrong= mistake ruin soaked
        dented scratched outage down=
        lags= bug= bugs= glitch unusab dead= died= mould mold stale cold= spoil unsubscrib blocked locked=
        declin reject refus empty= expired
        plante bug= bugge panne erreur perdu= perdue= casse= cassee= abime retard annul bloqu debit facture=
        factures= prelev fuite fuit= fume=
        rupture defectu manqu incomplet froid= coupure coupe= refus resili endommag introuvab disparu
        kaputt defekt fehler= fehlerm absturz sturzt storung ausfall ausgefall verspat verlor= verloren fehlt=
        fehlen= falsch beschadig
        abgebucht doppelt gekundigt gesperrt zerbroch undicht leer= storniert kalt= schimmel verschwund
        zerkratzt gestrichen abgelehnt
        roto= rota= rompi averia= averiad error= errores= fallo= fallos= falla= cancelad perdid retras cobrad
        cobran= cobraron dañad danad
        estropead bloquead caido= caida= defectuos equivocad vacio= vacia= frio= fria= faltan= falta= goteo
        rechaz caducad
        quebrad quebrou= erro= erros= falh cancelad perdid perderam atras cobrad cobram cobrand cobranca danific
        travad trava= travou= bloquead
        caiu= fora= defeito= errad vazi= vazio= vazia= frio= fria= faltand faltou= vazament sumiu= estragad
        mofo= extravi negad
        rott= rotto= rotta= rotti= rompe= guast error= errore= errori= cancellat pers= perso= persa= persi=
        ritard addebit danneggi difett blocca=
        bloccat sbagliat vuot= vuoto= vuota= fredd manca= mancan= perdita= perde= smarrit crash= scadut muffa=
        rifiutat
        고장 먹통 오류 에러 튕겨 튕기 지연 취소당 결항 분실 파손 누락 깨졌 깨져
        끊겼 끊기 끊김 안와 안돼 안되 안됩 안됨 안열 안받 이중결제 잘못 불량 망가
        정지됐
        중단 사라졌 터지 터져 막혔 먹었 곰팡 벌레 머리카락 식어 젖었
        壊れ 故障 エラー 落ちる 落ちて 固ま 届かな 届いてな 届きませ 届いていませ 遅れ
        遅延 欠航 紛失 破損 不良 足りな 間違 請求 引き落と 消え 繋がらな つながらな
        動かな 使えな 開かな 止まっ カビ 異物 冷め 虫 ログインできな 切られ 断ら
    """,
    "wait": """
        waiting waited wait= weeks= hours= hold= still= again= yet= since= ago= unanswered month= months= days=
        twice= third= queue= ages=
        attend attendu= attente= attends= toujours= encore= depuis= semaines= heures= jours= mois= relanc
        raccroch
        warte= warten= gewartet= wartesch seit= wochen= stunden= immer= noch= wieder= tagen= monat monaten=
        mehrfach= warteschleife vergeblich
        esperand espero= esperar= espera= llevo= llevamos= semanas= horas= dias= meses= todavia= sigo= sigue=
        siguen= otra= vez=
        esperando= aguard demor semana= faz= ainda= novamente= mes=
        aspett attes= attesa= settiman ore= giorni= mesi= ancora= solita= terza= ennesim= ennesima= sollecit
        째 기다리 기다렸 아직 계속 또 자꾸 맨날 매번 몇번
        待た 待っ まだ 週間 何度 また ずっと いつまで 日経 か月 時間以上 毎回
        たらい回し
    """,
    "no": """
        not= no= never= nobody= nothing= none= cannot= cant= can't= won't= wont= don't= dont= doesn't= doesnt=
        didn't= didnt= isn't= isnt= wasn't=
        without= unable= nowhere= zero= neither= nor= haven't= hasn't= couldn't= aren't= wouldn't= hardly=
        pas= jamais= rien= personne= aucun= aucune= sans= ne= impossible= plus= n'est= ni= n'arriv n'ai= n'a=
        nicht= nie= niemals= niemand= nichts= kein= keine= keinen= keiner= keinerlei= ohne= weder= unmoglich=
        no= nunca= nadie= nada= ningun= ninguna= ninguno= sin= imposible= ni= tampoco= jamas=
        nao= nunca= ninguem= nada= nenhum= nenhuma= sem= impossivel= nem= jamais=
        non= mai= nessuno= nessuna= niente= nulla= senza= impossibile= ne=
        안= 못= 없 않 못하 못했 못받 아무 전혀 하나도 불가
        ない なく ません なかった 無い 無し ず、 全然 一切 誰も 何も まったく
    """,
    "demand": """
        refund refunded= money= compensat complain answer= reply= respond fix= solve= supervisor manager=
        explain explanation unsubscribe
        rembours argent= reponse= repond reclam responsable= solution= expliq plainte
        erstatt geld= antwort antworte ruckruf beschwer reklam losung= erklar gutschrift
        reembols devolv devuel devoluc dinero= respuest respond reclam solucion contest explic queja= quejas=
        reembols estorn dinheiro= respost responde reclam resolv solucao= explic atendent procon=
        rimbors soldi= rispost rispond reclam risolv soluzion spiegaz
        환불 보상 해결해 답변 답장 연락도 연락이 책임 해명 고쳐주세요 사과하 배상
        返金 返事 対応して 返して 直して 説明し 責任 返答 補償 解約 謝罪
    """,
    "mended": """
        fixed solved sorted resolved replaced returned= replied answered arrived= delivered quick= quickly=
        fast= immediately straight= minutes=
        finally= within= early= found= back= saved rescued helped free=
        regle= reglee= resolu= remplac repare= arrive= recu= livre= livree= rapid= rapidement vite= minutes=
        enfin= tout= suite= retrouv offert
        aide= aidee= sauve= geste=
        gelost geregelt repariert ersetzt ersatz angekommen geliefert schnell= sofort= umgehend minuten=
        endlich= gefunden geholfen hilfe=
        unkompliziert kostenlos geschenkt kulant puntklich= punktlich gerettet
        resuelt resolvi solucionad arregl repar reemplaz llego= llegado= rapido= rapida= enseguida= minutos=
        fin= encontr ayud regal
        resolveram resolvid resolveu= consert troca= trocaram chegou= rapidinh hora= minutos= finalmente= achou=
        acharam ajud salv presente=
        risolt riparat sostituit arrivat consegnat subito= minuti= finalmente= ritrovat aiut regalat veloce=
        salvat
        해결됐 해결해주셔 해결됨 고쳐주셔 고쳐주신 바꿔주 교환해주 도착했 도착 빨리왔
        바로 금방 드디어 찾아주 도와주 챙겨주 당일
        解決し 直してくれ 直った 交換してくれ 届いた 届きました すぐに すぐ やっと
        ついに 見つけてくれ 助けてくれ その日のうち 教えてくれ 戻ってきた 無事
    """,
    "news": """
        announc appoint launch unveil opens= opening= partner acquir shares= revenue profit billion million
        percent ceo= cfo= award conference
        report= reports= study= survey= regulator court= hiring jobs= event= invest funding quarter stock=
        market= interview podcast expands minister
        names= joins= founder exhibit festival sponsor nominat wins= won= merger strike= unions
        annonc nomm= nomme= nommee= lance= lancement devoile ouvre= ouverture partenariat chiffre= milliard
        million recrut benefice tribunal
        salon= conference etude= sondage entreprise= directeur directrice bourse= prix= ministre inaugur enquete
        greve= syndicat action=
        kundig= ernennt stellt= eroffn ubernimmt ubernahm aktie umsatz gewinn= milliarden millionen prozent
        studie umfrage gericht messe=
        vorstand geschaftsfuhr stellenang sucht= preistrager auszeichnung partnerschaft kooperation interview
        minister streik= gewerkschaft
        anunci nombra= nombro= lanza= lanzamiento presenta= inaugur acuerdo= acciones= ingresos= benefici
        millones= directora= director=
        premio= feria= estudio= encuesta= empresa= empleos= contrata= tribunal= ministr apertura= abre= huelga=
        bolsa=
        anuncia= anunciou nomeia= nomeou lanca= lancou lancamento apresenta= inaugur parceria acoes= receita=
        lucro= bilhoes= bilhao= milhoes=
        diretor= diretora= premio= feira= pesquisa= estudo= vagas= contrata= tribunal= justica= ministr
        abertura= abre= greve= bolsa=
        annunci nomina= nominat lancia= lancio= presenta= inaugur accordo= azioni= ricavi= utile= miliard
        milioni= amministrat= direttore=
        direttrice= premio= fiera= studio= sondaggio= azienda= assume= tribunale= ministr apertura= apre=
        sciopero= borsa=
        출시 발표 선임 임명 개최 채용 매출 영업이익 주가 협약 체결 수상 신제품 오픈
        개장 진출 대표이사 인터뷰 행사 투자 과징금 조사결과 장관 인수 전시 파업 노조
        합의
        発売 発表 就任 任命 開催 採用 売上 営業利益 株価 提携 受賞 新製品 開業 進出
        社長 インタビュー イベント 投資 調査 億円 買収 展示 出店 大臣 決算 導入 スト
    """,
    "ask": """
        what= when= where= which= how= who= does= do= can= could= would= is= are= any= anyone= may= possible=
        wondering= question=
        quand= quel= quelle= quels= quelles= comment= combien= est-ce= pouvez puis= peut= savez= savoir= qui=
        question= avez= ou=
        wann= welche= welcher= welches= wie= wo= kann= konnt= konnte= konnten= gibt= habt= frage= weiss= wer=
        darf= geht=
        cuando= cual= cuales= como= donde= cuanto= cuanta= puedo= podeis= pueden= puede= alguien= hay= teneis=
        tienen= pregunta= sabe= saben=
        quando= qual= quais= onde= quanto= quanta= posso= podem= pode= alguem= tem= voces= duvida= sabe= da=
        quando= quale= quali= dove= quanto= quanti= posso= potete= puo= qualcuno= avete= domanda= sapete=
        sapere= si=
        나요 까요 언제 어디 어떻 얼마 혹시 가능 있을까 인가요 는지 문의 궁금 몇
        되나
        ですか ますか でしょうか いつ どこ どう いくら どれ どの 何時 教えて
        ありますか できますか 可能
    """,
    "you": """
        your= you= yours= you're= votre= vos= vous= euer= eure= eurem= euren= eurer= euch= ihr= ihre= ihren=
        ihrem= vuestr vosotros= ustedes=
        su= sus= vostro= vostra= vostri= vostre= vi=
        voi= sua= seu= seus= suas= voces= voce= 고객센터
        상담원 기사님 サポート 御社 貴社 カスタマー
    """,
    "own": """
        my= boss= neighbour neighbor landlord cat= dog= exam= homework= weather= weekend= birthday= friends=
        mum= mom= sister= brother= tonight=
        morning= coffee= monday= friday= holiday= lunch= dinner= match= movie= gym= school=
        chat= chien= voisin= patron= examen= meteo= week-end= anniversaire= amis= maman= soir= matin= cafe=
        lundi= vendredi= vacances= film=
        katze= hund= nachbar chef= prufung= wetter= wochenende= geburtstag= freunde= mama= abend= morgen=
        kaffee= montag= freitag= urlaub= spiel=
        gato= perro= vecin= vecino= jefe= examen= clima= finde= cumple= amigos= mama= noche= manana= cafe=
        lunes= viernes= partido=
        cachorro= vizinh chefe= prova= tempo= aniversario= noite= manha= segunda= sexta= jogo= ferias=
        gatto= cane= vicin capo= esame= meteo= compleanno= amici= sera= mattina= lunedi= venerdi= partita=
        vacanze=
        오늘 고양이 강아지 시험 날씨 주말 생일 친구 엄마 저녁 아침 커피 월요일
        금요일 여행 경기 영화
        猫 犬 試験 天気 週末 誕生日 友達 母 今夜 朝 コーヒー 月曜 金曜 旅行 試合
        映画 おはよう
    """,
    "😊": "❤ 🙏 😍 👏 🎉 😊 👍 🥰 💕 💖 💙 💚 💛 🧡 💜 🤗 😋 🥳 ✨ 🌟 ⭐ 🙌 💯 😁 😀 🌸 🌞 ☀ 😄 🤩 😘 💪",
    "😡": "😡 🤬 😤 🙄 😒 😭 👎 🤦 😠 😩 😫 💩 🤮 😞 😢 🙃 😑 💔 🤯",
}


def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    whole: dict[str, str] = {}
    starts: dict[str, str] = {}
    inside: dict[str, str] = {}
    for kind, stems in _STEMS.items():
        for stem in stems.split():
            if stem.endswith(_WHOLE) or not stem[0].isalpha():
                whole.setdefault(stem.rstrip(_WHOLE), kind)
            elif is_japanese(stem) or is_korean(stem):
                inside.setdefault(stem, kind)
            else:
                starts.setdefault(stem, kind)
    return whole, starts, inside


_IS, _BEGINS, _CONTAINS = _tables()
_LONGEST = max(map(len, (*_BEGINS, *_CONTAINS)))


@lru_cache(maxsize=16_384)
def kinds(token: str) -> tuple[str, ...]:
    """What a word does; most do nothing, and one of a script without spaces may do several things, in their order."""
    if found := _IS.get(token):
        return (found,)
    if is_japanese(token) or is_korean(token):
        return _within(token)
    for size in range(min(len(token), _LONGEST), 2, -1):
        if found := _BEGINS.get(token[:size]):
            return (found,)
    return ()


def _within(token: str) -> tuple[str, ...]:
    found, start = [], 0
    while start < len(token):
        for size in range(_LONGEST, 0, -1):
            if kind := _CONTAINS.get(token[start : start + size]):
                found.append(kind)
                start += size
                break
        else:
            start += 1
    return tuple(found)
