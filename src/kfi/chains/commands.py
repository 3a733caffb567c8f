"""
Which commands a model may suggest: those that only read, and those that the rules themselves suggest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

_READING = frozenset(
    "get describe logs events top explain diff api-resources api-versions cluster-info version wait help".split()
)
_READING_BELOW = {
    "auth": frozenset(("can-i", "whoami")),
    "config": frozenset(("view", "current-context", "get-contexts", "get-clusters")),
    "rollout": frozenset(("status", "history")),
}
_CHANGING = frozenset(
    "apply create delete edit patch replace scale autoscale set label annotate taint cordon uncordon drain exec attach "
    "adm cp port-forward proxy run expose debug certificate rollout auth config plugin kustomize evict".split()
)
_WITH_VALUE = frozenset(
    "-n --namespace --context --cluster --kubeconfig --user --as --request-timeout -s --server --token -v --v".split()
)
# Verbs that stand in no sentence about kubectl but as commands.
_SURELY_CHANGING = frozenset("apply delete patch scale drain cordon exec evict annotate taint edit replace adm".split())
_SECRETS = re.compile(r"secrets?(?:[/,]|$)")
_SHOWS_DATA = re.compile(r"\s(?:-o|--output|--template|-ojson|-oyaml)\b|\s-o\w")
_PLACE = frozenset("-n --namespace".split())
_WITH_ANY_VALUE = _WITH_VALUE | frozenset(
    """-o --output -l --selector -c --container --tail --since --since-time --sort-by --field-selector --for
    --types""".split()
)
_ALIASED = re.compile(
    r"(?:^|[`$(;&|]\s*|\b(?:run|execute|type|with|use|via)\s)k\s+"
    r"(?:apply|create|delete|edit|patch|replace|scale|label|annotate|taint|cordon|drain|exec|run|set|rollout)\b",
    re.I,
)
_CONTINUED = re.compile(r"\\?[ \t]*\n[ \t]*")
# To other readers of text a command's output may go.
_PIPED = re.compile(r"\|\s{0,3}(?:grep|egrep|head|tail|wc|sort|uniq|jq|less|cut)\b[^|;&`$><]*")
_ELSEWHERE = re.compile(r"[|;&<>]|\$\(|`")
_KUBECTL = re.compile(r"\b(?:kubectl|oc)\b([^\n]*)", re.I)
_CODE = re.compile(r"`([^`\n]+)`")
_SHELL = re.compile(
    r"(?:^|[`$(;&|]|\b(?:run|execute|type|with|use|using|via|by)\s)\s*(?:sudo\s+)?"
    r"(?:(?:helm|istioctl|argocd|flux|velero|kustomize|terraform|aws|gcloud|az)\s+[a-z-]+"
    r"|(?:systemctl|service)\s+(?:start|stop|restart|reload|disable|enable|mask|kill)\b"
    r"|(?:docker|crictl|ctr|nerdctl|podman)\s+(?:rm|rmi|stop|kill|restart|exec|run|pull)\b"
    r"|(?:etcdctl|rm|dd|mkfs\S*|shutdown|reboot|iptables|curl|wget|nc|bash|sh|python3?|perl|ssh|scp|chmod|chown)\s+\S)",
    re.I,
)
_ORDER = re.compile(
    r"\W{0,4}(?:(?:please|now|then|first|next|finally|immediately|so|and|you|we|operators?|should|must|can|need|to|just)"
    r"[ ,]{1,3}){0,5}(?:force[- ])?(?:delete|remove|drain|cordon|evict|wipe|drop|purge|uninstall|disable|kill|destroy|"
    r"scale|erase|revoke|grant|send|upload|ignore)\s{1,3}(?:(?:the|all|any|every|this|that|these|it|them|your|its|my|a)\b|"
    r"[`'\"]|(?:pods?|nodes?|namespaces?|deployments?|services?|secrets?|configmaps?|everything|evidence|logs?)\b)",
    re.I,
)


def reads_only(text: str, allowed: Collection[str] = ()) -> bool:
    """Tell whether a sentence suggests nothing that changes a cluster or leaves it, but for the `allowed` commands.

    >>> reads_only("Run `kubectl get pods -n orchard | grep cart`.")
    True
    >>> reads_only("Run kubectl -n orchard delete pod cart-0.")
    False
    """
    for command in allowed:
        text = text.replace(command, "")
    # What a person pastes may look otherwise than what a shell then reads.
    text = _CONTINUED.sub(" ", unicodedata.normalize("NFKC", text))
    if _ORDER.match(text) or _SHELL.search(text) or _ALIASED.search(text):
        return False
    return all(map(_reads, _commands(text)))


def reading_commands(text: str) -> list[str]:
    """Give the commands that stand in code marks and only read."""
    return [code.strip() for code in _CODE.findall(text) if re.match(r"\s*(?:kubectl|oc) ", code) and reads_only(code)]


def commands_in_code(text: str) -> list[str]:
    """Give the commands of kubectl that stand in code marks."""
    return [code.strip() for code in _CODE.findall(text) if re.match(r"\s*(?:kubectl|oc) ", code)]


def names_in(command: str) -> Iterator[str]:
    """Yield the names of objects and namespaces in a command that reads.

    >>> list(names_in("kubectl logs -n orchard deploy/cart -c app --tail 5 | grep x"))
    ['orchard', 'cart']
    """
    words = iter(command.partition("|")[0].split()[1:])
    seen = 0 if not any(f" {verb} " in command for verb in _READING_BELOW if verb != "rollout") else -9
    for word in words:
        if word in _WITH_ANY_VALUE:
            value = next(words, "")
            if word in _PLACE:
                yield value
        elif word.startswith("--namespace="):
            yield word.partition("=")[2]
        elif not word.startswith("-"):
            seen += 1
            # The verb; then the kind, but for logs, which are of a Pod.
            if "/" in word:
                yield from word.split("/")[1:]
            elif seen > 2 or (seen == 2 and command.split()[1] == "logs"):
                yield word


def _commands(text: str) -> Iterator[tuple[str, bool]]:
    """Give what follows each `kubectl`, and whether it stands in code marks, so is surely a command."""
    within = [code[0] for code in _CODE.finditer(text)]
    for code in within:
        for found in _KUBECTL.finditer(code.strip("`")):
            yield found[1], True
    for line in _CODE.sub(" ", text).splitlines():
        for found in _KUBECTL.finditer(line):
            yield found[1], False


def _reads(command: tuple[str, bool]) -> bool:
    text, sure = command
    words = _words(text)
    verb = next(words, "")
    if verb in _READING:
        if verb == "get" and _SHOWS_DATA.search(text) and any(map(_SECRETS.match, text.split())):
            return False
        # A second kubectl in the line is judged as one of its own where it stands behind a pipe.
        return not _ELSEWHERE.search(_PIPED.sub("", text)) and not _KUBECTL.search(text)
    if verb in _READING_BELOW and next(words, "") in _READING_BELOW[verb]:
        return not _ELSEWHERE.search(text)
    # In prose `kubectl cannot connect` is no command.
    return not sure and verb not in _CHANGING and not any(word in _SURELY_CHANGING for word in words)


def _words(text: str) -> Iterator[str]:
    """Give the words of a command that are no flags, nor values of flags that stand before a verb."""
    words = iter(text.split())
    for word in words:
        if word in _WITH_VALUE:
            next(words, "")
        elif not word.startswith("-"):
            yield word.strip("`'\".,;:()").lower()
