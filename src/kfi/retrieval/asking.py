"""
What a question asks for in so many words: a comparison, a number, a state, a complete list; or nothing of that.

A question that asks for a cause asks for nothing else: "which pods crash and why" is no list.
"""

from __future__ import annotations

import re

from kfi.models.schemas import Intent

_MANY = (
    "events?|warnings|pods|po|nodes|deployments|deploy|statefulsets|daemonsets|replicasets|jobs|cronjobs|services|svc|"
    "ingresses|pvcs|claims|volumes|containers|namespaces|workloads|errors|alerts|restarts|objects|resources|logs|"
    "configmaps|secrets|images|failures|incidents|crashes|evictions"
)
_ONE = "pod|node|deployment|statefulset|daemonset|job|cronjob|service|pvc|claim|volume|container|namespace|alert"
_HAPPENED = "events|warnings|alerts|restarts|crashes|failures|evictions|errors|incidents|(?:oom ?)?kills|ooms"
_VIELE = (
    "pods|nodes|knoten|deployments|jobs|services|dienste|events|ereignisse|warnungen|fehler|alarme|container|"
    "namespaces|pvcs"
)
_MUCHOS = (
    "pods|nodos|deployments|despliegues|jobs|servicios|eventos|avisos|advertencias|errores|alertas|contenedores|"
    "namespaces|pvcs"
)
# "Pending pods", "all failed jobs in orchard": a state and a kind, and no verb.
_HOW = (
    "all|pending|fail(?:ing|ed)|crash(?:ing|ed|looping|looped)|evicted|unhealthy|not[ -]ready|notready|unready|"
    "restarted|restarting|terminating|stuck|broken|completed|running|unscheduled|unschedulable|unbound|oomkilled|degraded"
)
_NO_VERB = r"(?!(?:is|are|was|were|do|does|did|happen\w*|could|would|made|makes)\b)"
_PLEASE = (
    r"(?:(?:please|pls|plz|hey|hi|ok|so|now|can you|could you|kubectl|i want to|i need|first|second|third)[, ]{1,3})*"
)
_OF_WHEN = r"(?: (?:in|of|from|for|since|between|on|during|at|before|after|with|around|today|yesterday|last)\b|\W*\Z)"
_WELL = (
    "up|ok|okay|healthy|running|alive|ready|fine|working|available|stable|good|reachable|back|completed?|finished|done|"
    "online|serving|responding|affected|synced|normal|well|green"
)
_KUBECTL = r"k(?:ubectl)?(?: -{1,2}\S{1,80}(?: (?!get\b|top\b|events\b)[^-\s]\S{0,80})?){0,4} (?:get|top|events)\b"
_CAUSE = re.compile(
    r"\b(?:why|causes?|caused|causing|reasons?|root|wrong|how come|diagnos\w*|troubleshoot\w*|fix|broke|because|"
    r"explain|por qu[e\u00e9]|causa|warum|wieso|weshalb|ursache)\b|为什么|为何|怎么回事|原因|なぜ|どうして",
    re.I,
)
_COMPARE = re.compile(
    r"\bcompar(?:e|es|ed|ing|ison)\b|\b(?:vs|versus)\b|\bdiff(?:erences?|ers?|er|ering)? (?:between|from|of)\b|"
    r"\b(?:what|how)\b.{0,80}\b(?:differs?|different)\b|\bdiff \S|"
    r"\b(?:compara|comparar|diferencias?|vergleiche?n?|unterschiede?)\b|比较|对比|区别|比較|違い",
    re.I | re.A,
)
_COUNT = re.compile(
    r"\bhow (?:many|often|much times)\b|"
    rf"\A{_PLEASE}(?:(?:what(?:'s| is)|tell me|give me|show(?: me)?) )?(?:the )?(?:total )?(?:count|number|"
    rf"total|sum)\b(?! is)|"
    r"\b(?:cu[a\u00e1]nt[oa]s|cu[a\u00e1]ntas veces|wie ?viele|wie oft|anzahl)\b|多少|几个|幾つ|いくつ|"
    r"何(?:個|回|台|件)",
    re.I,
)
_STATUS = re.compile(
    rf"\A{_PLEASE}(?:"
    rf"(?:is|are|was|were) (?!there\b)(?:\S{{1,253}} ){{1,8}}?(?:{_WELL})\b|"
    r"(?:how(?:'?s| is| are| do| does)) (?:\S{1,253} ){1,6}?(?:doing|going|looking|looks?|holding|behaving)\b|"
    r"(?:(?:what(?:'?s| is)|give me|show(?: me)?|tell me|check) )?(?:the )?(?:current |overall )?"
    r"(?:status|state|health|readiness)(?: check)?(?: (?:of|for|in)\b|\W*\Z)|"
    r"(?!.{0,200}\b(?:exit|https?|returns?|errors?|code|status \w))(?:\S{1,253} ){1,3}(?:status|health)\W*\Z|"
    r"(?:did|has|have) (?:\S{1,253} ){1,6}?(?:finish(?:ed)?|succeed(?:ed)?|completed?|recover(?:ed)?|"
    r"come (?:back|up)|came (?:back|up)|pass(?:ed)?|go through|gone through|rolled out)\b|"
    r"(?:does|do) (?:\S{1,253} ){1,6}?work(?: again| now| fine| yet)?\W*\Z|"
    r"(?:is )?(?:everything|all|anything)(?: \S{1,253}){0,3}? (?:ok|okay|fine|good|healthy|up|green|well)\b)|"
    r"(?<!no )(?<![\w-])(?:est[a\u00e1]n?|funciona[n]?) (?:\S{1,253} ){0,6}?(?:bien|funcionando|activ[oa]s?|"
    r"list[oa]s?)\b|"
    r"\b(?:estado|salud) (?:de|del)\b|\b(?:l\u00e4uft|geht es)\b[^.]{0,80}\?|"
    r"正常吗|还好吗|好吗|在运行吗|(?:的|什么)状态\W*\Z|正常ですか|(?:動いて|稼働して)いますか|大丈夫ですか",
    re.I | re.A,
)
_LIST = re.compile(
    rf"\A{_PLEASE}(?:{_KUBECTL}|"
    rf"(?:show|list|give|get|print|display|enumerate|find|fetch|see|view)(?: [\w/=.,'-]{{1,64}}){{0,6}}? (?:{_MANY})\b|"
    rf"(?:which(?: of the)?|what|are there(?: any)?|"
    rf"were there(?: any)?)(?: {_NO_VERB}[\w/-]{{1,64}}){{0,3}}? (?:{_MANY})\b|"
    rf"(?:do|did) (?:we|you|i) (?:have|see|get|know of)(?: any)?(?: [\w/-]{{1,64}}){{0,3}}? (?:{_MANY})\b|"
    rf"(?:is|was) there (?:any|an?) (?:{_MANY}|{_ONE})\b|(?:any|all)(?: [\w/-]{{1,64}}){{0,3}}? (?:{_HAPPENED})\b|"
    rf"(?:the )?(?:last|past|latest|recent|newest)(?: \S{{1,64}}){{0,4}}? (?:{_MANY}){_OF_WHEN}|"
    rf"(?:(?:{_HOW}) ){{1,2}}(?:{_MANY}){_OF_WHEN}|"
    rf"(?:{_MANY})(?: -{{1,2}}[\w-]{{1,30}}[ =][^\s-]\S{{0,200}}){{1,4}}\W*\Z|"
    rf"(?:\w{{1,20}} ){{0,2}}(?:events|warnings|alerts){_OF_WHEN})|"
    r"\b(?:muestra(?:me)?|mu\u00e9strame|lista(?:r|me)?|ens\u00e9\u00f1ame|dame (?:tod[oa]s|la lista)|"
    r"zeige?n?|liste|auflisten|gib mir alle)\b|"
    rf"\b(?:welche[rsn]?|gibt es) (?:\w{{1,40}} ){{0,2}}?(?:{_VIELE})\b|"
    rf"\b(?:qu[e\u00e9]|cu[a\u00e1]les|hay) (?:\w{{1,40}} ){{0,2}}?(?:{_MUCHOS})\b|"
    r"有哪些|哪些|どの(?:pod|ノード|ポッド|サービス|コンテナ)|"
    r"显示|列出|查看所有|给我看|表示|一覧|リスト|見せて",
    re.I | re.A,
)
_EXPLAIN = re.compile(r"是?什么意思|是什么|の?意味|とは(?:何|なに|\W*\Z)")
# Names of objects, and none of Kubernetes' own words.
_NAMES = re.compile(r"\b[a-z][a-z0-9]{1,60}-[a-z0-9-]{0,60}[0-9]", re.A)


def asks_of_names(words: str) -> bool:
    """Tell whether a comparison is of objects, not of concepts: "difference between worker-1 and worker-2"."""
    return _COMPARE.search(words) is not None and _NAMES.search(words) is not None


def asks_for(words: str) -> Intent | None:
    """Give what words ask for; None where they ask for a cause, or do not say.

    >>> asks_for("how many pods are pending").value, asks_for("is cart up?").value, asks_for("cart is down")
    ('count', 'status', None)
    """
    if _CAUSE.search(words):
        return None
    for pattern, intent in (
        (_COMPARE, Intent.COMPARE),
        (_COUNT, Intent.COUNT),
        (_STATUS, Intent.STATUS),
        (_LIST, Intent.LIST),
    ):
        if pattern.search(words):
            return intent
    return None


def asks_meaning(words: str) -> bool:
    """Tell whether a question in Chinese or Japanese asks what a word means."""
    return _EXPLAIN.search(words) is not None
