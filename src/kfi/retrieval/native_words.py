"""
Words of a question that is not in English: Chinese, Japanese, Spanish, German.

A gloss puts the English word in the place of those that frame a name or a time ("节点 worker-2", "última hora"), so
that what reads English reads these too; names and everything else stay as they are. Languages that are not here work
through the names and the English words that are in the question.
"""

from __future__ import annotations

import re

_NUMBERS = {
    "一": "1", "两": "2", "二": "2", "三": "3", "四": "4", "五": "5", "六": "6", "十": "10", "半": "half",
    "un": "1", "una": "1", "dos": "2", "tres": "3", "media": "half", "einer": "1", "einem": "1", "eine": "1",
    "zwei": "2", "drei": "3", "fünf": "5", "zehn": "10", "halben": "half",
}  # fmt: skip
_UNITS = {
    "秒": "seconds", "秒钟": "seconds", "分钟": "minutes", "分鐘": "minutes", "分": "minutes", "小时": "hours",
    "小時": "hours", "時間": "hours", "天": "days", "日": "days", "日間": "days", "周": "weeks", "週間": "weeks",
    "segundos": "seconds", "minuto": "minutes", "minutos": "minutes", "hora": "hours", "horas": "hours",
    "día": "days", "días": "days", "dia": "days", "dias": "days", "semana": "weeks", "semanas": "weeks",
    "minute": "minutes", "minuten": "minutes", "stunde": "hours", "stunden": "hours", "tag": "days", "tage": "days",
    "tagen": "days", "woche": "weeks", "wochen": "weeks", "sekunden": "seconds",
}  # fmt: skip
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_NUMBER = "[0-9]{1,4}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True))


def _counted(language: str) -> str:
    return rf"(?:(?P<{language}_count>{_NUMBER})\s?个?\s?)?(?P<{language}_unit>{_UNIT})"


_LAST = re.compile(
    rf"(?:最近|过去|過去|直近|近)[的の]?\s?{_counted('asian')}|"
    rf"\b(?:(?:los|las|la|el) )?(?:[úu]ltim[oa]s?|pasad[oa]s?)\s{_counted('es')}\b|"
    rf"\b(?:(?:in )?(?:der|den|dem|die) )?(?:letzte[nrm]?|vergangene[nrm]?)\s{_counted('de')}\b",
    re.I,
)
_AGO = re.compile(
    rf"{_counted('asian')}之?前|\bhace {_counted('es')}\b|\bvor (?:eine[rm] (?=halben))?{_counted('de')}\b", re.I
)
# A state that lasts: "desde hace 20 minutos", "seit 20 Minuten".
_FOR = re.compile(rf"{_counted('asian')}之?前から|\bdesde hace {_counted('es')}\b|\bseit {_counted('de')}\b", re.I)
_CLOCK = "([0-9]{1,2}:[0-9]{2})"
_RANGE = re.compile(
    rf"(?:从\s?)?{_CLOCK}\s?(?:到|至|から|\uff5e|〜)\s?{_CLOCK}(?:\s?まで)?|\bentre las {_CLOCK} y las {_CLOCK}|"
    rf"\bdesde las {_CLOCK} hasta las {_CLOCK}|\b(?:zwischen|von) {_CLOCK}(?: uhr)? (?:und|bis) {_CLOCK}(?: uhr)?",
    re.I,
)
_SINCE = re.compile(
    rf"{_CLOCK}\s?(?:之后|以后|以來|以来|以降|から)|自从?\s?{_CLOCK}|\bdesde las {_CLOCK}|\bseit {_CLOCK}(?: uhr)?",
    re.I,
)
_FRAMES = tuple(
    (re.compile(pattern, re.I), english)
    for pattern, english in (
        (r"\ben (?:el |la )?(?=[a-z0-9])|\bim (?=namespace\b)", "in"),
        (
            r"(?<![a-z0-9-])([a-z0-9][-a-z0-9]{0,62})\s?(?:命名空间|命名空間|名前空間|ネームスペース)",
            r"in namespace \1,",
        ),
        (r"(?<![a-z0-9-])([a-z0-9][-a-z0-9]{0,62}-[a-z0-9-]{0,62}[0-9])\s?(?:节点|節點|ノード)", r"node \1,"),
        (
            r"命名空间|命名空間|名前空間|ネームスペース|\bespacio de nombres\b|\bnamensraum\b",
            "namespace",
        ),
        (r"节点|節點|ノード|\bnodos?\b|\bknotens?\b", "node"),
        (r"容器|コンテナー?|\bcontenedor\b", "container"),
        (r"服务|サービス|\bservicio\b|\bdienst\b", "service"),
        (r"部署|デプロイメント|\bdespliegue\b", "deployment"),
        (r"昨天|昨日|\bayer\b|\bgestern\b", "yesterday"),
        (r"今天|今日|本日|\bhoy\b|\bheute\b", "today"),
        (r"(?:\bseit|\bdesde(?: el)?|从|自从?)\s*(yesterday|today)\b", r"since \1"),
        (r"\b(yesterday|today)\s*(?:から|以来|以降|以后)", r"since \1"),
    )
)
_FOREIGN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def gloss(query: str) -> str:
    """Give a question with English words around its names and for its times; an English one stays as it is.

    >>> gloss("errores de las últimas 2 horas en el nodo worker-2")
    'errores de last 2 hours in node worker-2'
    """
    text = _LAST.sub(lambda match: f" last {_in_english(match)} ", query)
    text = _FOR.sub(lambda match: f" since {_in_english(match)} ago ", text)
    text = _AGO.sub(lambda match: f" {_in_english(match)} ago ", text)
    text = _RANGE.sub(lambda match: " between {} and {} ".format(*filter(None, match.groups())), text)
    text = _SINCE.sub(lambda match: " since {} ".format(*filter(None, match.groups())), text)
    for pattern, english in _FRAMES:
        text = pattern.sub(f" {english} ", text)
    if text == query:
        return query
    return re.sub(r"  +", " ", _FOREIGN.sub(" ", text) if _FOREIGN.search(text) else text).strip()


def _in_english(match: re.Match[str]) -> str:
    """Give a number and its unit in English: "1 hours"."""
    language, unit = next(
        (name[:-5], text) for name, text in match.groupdict().items() if text and name[-5:] == "_unit"
    )
    count = (match[f"{language}_count"] or "1").lower()
    number, english = _NUMBERS.get(count, count), _UNITS[unit.lower()]
    return f"half an {english[:-1]}" if number == "half" else f"{number} {english}"
