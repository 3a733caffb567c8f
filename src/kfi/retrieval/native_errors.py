"""
What failures are called in Chinese, Japanese, Spanish and German, by family.

The words that people type on call, not a dictionary: those of the failures that Kubernetes itself has no word for in
the question. Anything else in such a question is read by its English words and its names.
"""

from __future__ import annotations

import re

from kfi.retrieval.error_families import ErrorFamily, ErrorName

_ASIAN: dict[ErrorFamily, str] = {
    ErrorFamily.IMAGE: (
        "(?:无法|不能|没法)?拉取?不?(?:了|到|下来)?镜像(?:失败|超时|错误)?|镜像(?:无法|不能)?(?:拉取|"
        "下载)?(?:失败|不了|不到|不存在|找不到|不下来)|"
        "イメージ[をがのに]?(?:の)?(?:取得|プル|pull|ダウンロード)(?:[がにを]?(?:できない|できません|失敗|"
        "エラー))?|イメージが(?:見つから|存在し|な)"
    ),
    ErrorFamily.MEMORY: (
        "内存(?:不足|不够|溢出|泄漏|泄露|耗尽|过高|太高|飙升)|メモリー?[がのを]?(?:不足|リーク|足りない|"
        "足りません|枯渇|使いすぎ|超過)"
    ),
    ErrorFamily.STORAGE: (
        "(?:磁盘)?空间(?:不足|不够)|磁盘(?:已|写|被写)?满|(?:无法|不能)?挂载(?:不了|不上|失败)|(?:无法|不能)挂载|"
        "存储卷?(?:故障|问题|满)|"
        "(?:ディスク)?(?:の)?容量(?:が)?(?:不足|足り)|空き容量|(?:ディスク)?(?:が)?(?:いっぱい|一杯|満杯)|ディスク(?:が)?フル|"
        "マウント(?:が|に)?(?:できない|できません|失敗|されない)"
    ),
    ErrorFamily.DNS: "(?:无法|不能)?(?:域名)?解析(?:不了|失败|域名|错误)|无法解析|名前解決",
    ErrorFamily.TIMEOUT: "超时|逾時|タイムアウト",
    ErrorFamily.NETWORK: (
        "连接?不(?:上|到|通)|(?:无法|不能|没法)(?:连接|连通|访问|联通)|连接(?:被)?(?:拒绝|失败|中断|断开|重置)|"
        "访问不(?:了|到)|网络|不通|"
        "(?:接続|アクセス|通信|疎通)[がにを]?(?:できない|できません|できなく|拒否|失敗|エラー|切れ|切断)|(?:つな|"
        "繋)が(?:らな|りません)|ネットワーク"
    ),
    ErrorFamily.SCHEDULING: (
        "(?:无法|不能)调度|调度(?:失败|不了|不上)|等待调度|资源不足|挂起|スケジュール(?:されない|されません|"
        "できない|できません)|保留|リソース(?:が)?不足"
    ),
    ErrorFamily.CERTIFICATE: "证书(?:已)?(?:过期|无效|错误)?|証明書(?:の期限切れ)?",
    ErrorFamily.PERMISSION: "(?:没有|无)?权限(?:不足)?|拒绝访问|禁止访问|権限|認証(?:エラー|に?失敗)",
    ErrorFamily.QUOTA: "(?:超出)?配额|クォータ",
    ErrorFamily.PROBE: "探针(?:失败)?|健康检查(?:失败)?|プローブ|ヘルスチェック",
    ErrorFamily.CONFIG: "配置(?:错误|有误|缺失|不对)|缺少|設定(?:ミス|エラー|が(?:ない|間違))",
    ErrorFamily.NODE: "驱逐|节点(?:宕机|故障|失联|挂了)|ノード(?:障害|が?落ち)|退避",
    ErrorFamily.LATENCY: "(?:很|变|太|特别|非常)慢|缓慢|延迟|卡顿|遅(?:い|く|延)|重い|レイテンシ",
    ErrorFamily.CRASH: (
        "崩溃|奔溃|挂(?:了|掉)|闪退|(?:反复|不断|一直|频繁)重启|クラッシュ|落ち(?:る|た|て|ます)|異常終了|"
        "強制終了|死(?:ぬ|ん)"
    ),
    ErrorFamily.STARTUP: (
        "(?:无法|不能)启动|启动(?:不了|失败|不起来)|起不来|卡住|卡在|起動(?:しない|しません|できない|できません|"
        "に?失敗)|立ち上がら"
    ),
    ErrorFamily.DELETION: "(?:无法|不能)删除|删(?:除)?(?:不了|不掉|失败)|削除(?:でき|され)(?:ない|ません)",
    ErrorFamily.ROLLOUT: "滚动更新|发布(?:失败|卡住)|更新(?:失败|卡住)|ロールアウト|デプロイが?(?:進ま|止ま|失敗)",
    ErrorFamily.SCALING: "扩容|缩容|伸缩|スケール(?:しない|しません|アウト|アップ)",
    ErrorFamily.AVAILABILITY: (
        "未就绪|不可用|宕机|(?:没有|无)响应|下线|ダウン|応答(?:が)?(?:ない|しない|なし|ありません)|使え(?:ない|"
        "ません)|利用でき(?:ない|ません)|準備(?:が)?でき"
    ),
}
_ASIAN_VAGUE: dict[ErrorFamily, str] = {
    ErrorFamily.CRASH: "重启|再起動|退出",
    ErrorFamily.FAILURE: (
        "失败|出错|错误|报错|故障|异常|坏了|出问题|有问题|失敗|エラー|障害|故障|異常|壊れ|動(?:かない|きません)|"
        "おかしい"
    ),
}
_BETWEEN = r"(?:\S{1,40} ){0,4}"
_EUROPEAN: dict[ErrorFamily, str] = {
    ErrorFamily.IMAGE: (
        "(?:no (?:se )?(?:puede[n]?|pudo|logra|consigue) )?(?:descargar|bajar|obtener|extraer)(?:se)? (?:la |"
        "las |su )?im[áa]gen(?:es)?|"
        "imagen no (?:existe|encontrada|se encuentra)|"
        "(?:kann|konnte|lässt|können) <between>images? <between>nicht (?:\\S{1,40} )?(?:ge)?(?:laden|ziehen|"
        "zogen|herunterladen|finden|pullen|pullt)|"
        "images? (?:kann |wird |wurde )?nicht (?:\\S{1,40} )?(?:ge)?(?:laden|ziehen|zogen|herunterladen|funden)"
    ),
    ErrorFamily.MEMORY: (
        "(?:se (?:qued[aó]|está quedando) )?sin memoria|(?:falta|fuga)s? de memoria|poca memoria|"
        "memoria (?:insuficiente|agotada|llena)|"
        "(?:zu wenig|kein(?:en)?|nicht gen[uü]gend|nicht genug|zu viel) (?:arbeits)?speicher|speicher(?:leck|"
        "mangel|überlauf)|"
        "arbeitsspeicher(?: (?:ist )?voll)?"
    ),
    ErrorFamily.STORAGE: (
        "sin espacio|falta (?:de )?espacio|(?:el )?disco (?:est[áa] )?lleno|no (?:se )?(?:puede |"
        "pudo )?monta(?:r|n)?|"
        "(?:kein|zu wenig|nicht genug) (?:freier )?(?:speicherplatz|plattenplatz|platz)|"
        "(?:fest)?platte (?:ist )?voll|"
        "nicht (?:ein)?gemountet|nicht (?:ein)?mounten|nicht einhängen"
    ),
    ErrorFamily.DNS: "no (?:se )?(?:puede )?(?:resolver|resuelve)|namensauflösung|nicht auflösen",
    ErrorFamily.TIMEOUT: "tiempo de espera|zeitüberschreitung",
    ErrorFamily.NETWORK: (
        "no (?:se )?(?:puede[n]?|pudo|logra|consigue) (?:conectar(?:se)?|alcanzar|acceder|llegar|"
        "comunicar(?:se)?)|no (?:se )?conecta[n]?|"
        "conexi[óo]n (?:rechazada|perdida|cortada|denegada)|(?:problemas?|fallos?) de (?:la )?(?:red|"
        "conexi[óo]n)|inalcanzable|"
        "erreich(?:t|en) <between>nicht|nicht erreich(?:bar|en)|keine verbindung|"
        "verbindung(?:sfehler|sabbrüche|en)? ?(?:<between>(?:verweigert|abgelehnt|unterbrochen|fehlgeschlagen))?|"
        "(?:kann|können|konnte) <between>nicht (?:\\S{1,40} ){0,2}(?:erreichen|verbinden|zugreifen)|"
        "netzwerk(?:fehler|probleme?)?"
    ),
    ErrorFamily.SCHEDULING: (
        "pendientes?|no se (?:puede )?programar?|sin recursos|recursos insuficientes|"
        "nicht (?:ein)?geplant|kein(?:en)? (?:passenden )?(?:knoten|node)|ausstehend"
    ),
    ErrorFamily.CERTIFICATE: "certificados?(?: (?:caducado|vencido|expirado))?|zertifikate?(?: (?:ist )?abgelaufen)?",
    ErrorFamily.PERMISSION: (
        "sin permisos?|permiso denegado|acceso denegado|prohibido|no autorizado|"
        "keine berechtigung(?:en)?|berechtigung(?:en)?|zugriff verweigert|nicht erlaubt|verboten"
    ),
    ErrorFamily.QUOTA: "cuota(?: (?:excedida|superada))?|kontingente?",
    ErrorFamily.CONFIG: (
        "mal configurad[oa]|configuraci[óo]n (?:err[óo]nea|incorrecta|inv[áa]lida)|falta (?:el|la) (?:configmap|"
        "secret|variable|clave)|"
        "falsch konfiguriert|konfigurationsfehler|fehlkonfiguration|fehlende[srn]? (?:configmap|secret|variable)"
    ),
    ErrorFamily.NODE: "desaloj(?:ad[oa]s?|[oa]s?)|expulsad[oa]s?|nodo caído|verdrängt|knoten (?:ist )?ausgefallen",
    ErrorFamily.LATENCY: (
        "lent[oa]s?|lentitud|latencia|tarda[n]? (?:mucho|demasiado)|langsam(?:er)?|verzögert|verzögerung(?:en)?|"
        "latenz(?:en)?|träge|dauert (?:zu )?(?:lange|ewig)"
    ),
    ErrorFamily.CRASH: (
        "se (?:cae[n]?|cay[óo]|cayeron|est[áa]n? cayendo)|cayéndose|muere[n]?|muri[óo]|revienta|"
        "stürz(?:t|en|te|ten)(?: <between>ab)?|abgestürzt|abstürz(?:e|en|t)|stirbt|sterben|"
        "startet (?:\\S{1,40} ){0,2}neu|crasht"
    ),
    ErrorFamily.STARTUP: (
        "no (?:se )?(?:arranca|inicia|levanta)[n]?|no (?:se )?puede[n]? (?:arrancar|iniciar)|atascad[oa]s?|"
        "bloquead[oa]s?|"
        "startet (?:\\S{1,40} ){0,4}nicht|nicht (?:starten|gestartet)|(?:fährt|kommt) nicht hoch|häng(?:t|en)"
    ),
    ErrorFamily.AVAILABILITY: (
        "no (?:est[áa]n? )?(?:disponible|list[oa])s?|no responde[n]?|fuera de servicio|indisponible|caíd[oa]s?|"
        "nicht (?:verfügbar|bereit)|ausgefallen|ausfä?lle?|(?:antwortet|reagiert) nicht"
    ),
    ErrorFamily.DELETION: "no se (?:puede )?(?:borrar?|eliminar?)|nicht (?:löschen|gelöscht)",
}
_EUROPEAN_VAGUE: dict[ErrorFamily, str] = {
    ErrorFamily.CRASH: "reinici(?:a|an|[óo]|aron|os?|ando|ad[oa]s?)|neu ?gestartet|neustarts?",
    ErrorFamily.FAILURE: (
        "fall(?:a|an|o|os|ó|ando|aron)|error(?:es)|est[áa] rot[oa]|no funciona[n]?|problemas|"
        "fehler|kaputt|funktionier(?:t|en) (?:\\S{1,40} )?nicht|fehlgeschlagen|schl(?:ägt|agen) fehl|probleme|defekt"
    ),
}


def _compiled(asian: dict[ErrorFamily, str], european: dict[ErrorFamily, str]) -> re.Pattern[str]:
    """Compile the words of one tier; only those of languages with blanks must stand alone."""
    alone = "|".join(f"(?P<{family.name}>{words})" for family, words in european.items())
    joined = "|".join(f"(?P<{family.name}_>{words})" for family, words in asian.items())
    return re.compile(rf"(?<![\w-])(?:{alone})(?![\w-])|{joined}".replace("<between>", _BETWEEN), re.I)


_TELLING = _compiled(_ASIAN, _EUROPEAN)
_VAGUE = _compiled(_ASIAN_VAGUE, _EUROPEAN_VAGUE)


def find_native_error(query: str, *, vague: bool = False) -> ErrorName | None:
    """Give what a failure is called in one of the languages; with `vague`, words that only say that there is one.

    >>> find_native_error("cart hat zu wenig Speicher").family.value
    'memory'
    """
    match = (_VAGUE if vague else _TELLING).search(query)
    if not match or not match.lastgroup:
        return None
    return ErrorName(match[0], ErrorFamily[match.lastgroup.removesuffix("_")])
