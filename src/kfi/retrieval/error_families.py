"""
What a failure is called, and what it is about.

The user's own word is kept as it was typed; the family beside it is what paraphrases have in common: `OOMKilled`,
"runs out of memory" and "leaks" are all memory. Reasons that Kubernetes itself writes beat plain words, and words
that say what is wrong beat words that only say that something is.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple


class ErrorFamily(StrEnum):
    """What a failure is about."""

    CRASH = "crash"
    STARTUP = "startup"
    """It never came up, and nothing says why."""
    IMAGE = "image"
    MEMORY = "memory"
    CPU = "cpu"
    SCHEDULING = "scheduling"
    STORAGE = "storage"
    CONFIG = "config"
    PROBE = "probe"
    NETWORK = "network"
    DNS = "dns"
    CERTIFICATE = "certificate"
    NODE = "node"
    QUOTA = "quota"
    PERMISSION = "permission"
    ADMISSION = "admission"
    TIMEOUT = "timeout"
    AVAILABILITY = "availability"
    LATENCY = "latency"
    ROLLOUT = "rollout"
    SCALING = "scaling"
    JOB = "job"
    DELETION = "deletion"
    APPLICATION = "application"
    """What runs answers with errors of its own."""
    FAILURE = "failure"
    """Something is wrong; no more is said."""


class ErrorName(NamedTuple):
    """A failure as the question has it."""

    word: str
    family: ErrorFamily


_NOT = "(?:not|never|isn't|aren't|wasn't|weren't|doesn't|don't|didn't|won't|can't|hasn't|haven't)"
_CANNOT = (
    "(?:cannot|can not|can't|could not|couldn't|unable to|fails? to|failed to|failing to|does not|doesn't|do not|don't|"
    "did not|didn't|will not|won't|not able to|refuses? to|never|isn't able to|struggl(?:es|ing) to|trouble|not)"
)
FEWER = "(?:" + "|".join(f"{few}/(?:[{few + 1}-9]|[1-9][0-9]{{1,2}})" for few in range(9)) + ")"
"""Fewer than there should be: 0/3, 2/5."""
# In the patterns below a blank is one to three blanks, an apostrophe may be missing or curly, and the words
# in <> stand for any of the ways to say so.
_REASONS: dict[ErrorFamily, str] = {
    ErrorFamily.CRASH: (
        "(?:Init:)?CrashLoopBackOff|BackOff|StartError|RunContainerError|ContainerCannotRun|exit(?:ed|s|"
        "ing)? (?:with )?(?:an? )?(?:exit )?(?:code|status)(?: of)?[ :=]{0,3}[0-9]{1,3}|exitCode[ :=]{0,3}[0-9]{1,3}|"
        "SIG(?:SEGV|ABRT|KILL|TERM|BUS|ILL)|PostStartHookError|Init:Error"
    ),
    ErrorFamily.IMAGE: (
        "(?:Init:)?ImagePullBackOff|(?:Init:)?ErrImagePull|ErrImageNeverPull|InvalidImageName|ImageInspectError|"
        "RegistryUnavailable"
    ),
    ErrorFamily.MEMORY: "OOMKilled|OOMKilling|SystemOOM",
    ErrorFamily.CONFIG: "CreateContainerConfigError|CreateContainerError|FailedToRetrieveImagePullSecret",
    ErrorFamily.SCHEDULING: "FailedScheduling|Unschedulable|SchedulingGated|Preempted|Preempting",
    ErrorFamily.STORAGE: (
        "FailedMount|FailedAttachVolume|FailedMapVolume|ProvisioningFailed|VolumeResizeFailed|FailedBinding|"
        "FileSystemResizeFailed|ReadOnlyFileSystem|ENOSPC|EROFS|Multi-Attach(?: error)?"
    ),
    ErrorFamily.PROBE: "(?-i:Unhealthy)|ProbeError|ProbeWarning",
    ErrorFamily.NETWORK: (
        "FailedCreatePodSandBox|NetworkNotReady|NetworkUnavailable|ECONNREFUSED|ECONNRESET|EHOSTUNREACH"
    ),
    ErrorFamily.DNS: "NXDOMAIN|SERVFAIL|DNSConfigForming|ENOTFOUND|EAI_AGAIN",
    ErrorFamily.CERTIFICATE: "x509",
    ErrorFamily.NODE: (
        "NodeNotReady|NotReady|NodeLost|Evicted|MemoryPressure|DiskPressure|PIDPressure|KubeletNotReady|"
        "FreeDiskSpaceFailed|EvictionThresholdMet|NodeHasDiskPressure|NodeHasInsufficientMemory|NodeNotSchedulable|"
        "ContainerRuntimeUnhealthy|ImageGCFailed"
    ),
    ErrorFamily.QUOTA: "FailedCreate|ExceededQuota|exceed(?:ed|s|ing) quota",
    ErrorFamily.PERMISSION: "EACCES|EPERM|ImagePullSecretError",
    ErrorFamily.ADMISSION: "FailedCallingWebhook|PodSecurityViolation",
    ErrorFamily.TIMEOUT: "DeadlineExceeded|ETIMEDOUT",
    ErrorFamily.ROLLOUT: (
        "ProgressDeadlineExceeded|ReplicaFailure|MinimumReplicasUnavailable|exceed(?:ed|s|ing) (?:its |"
        "the )?progress "
        "deadline"
    ),
    ErrorFamily.SCALING: "FailedGetResourceMetric|FailedComputeMetricsReplicas|FailedGetScale|FailedUpdateScale",
    ErrorFamily.JOB: "BackoffLimitExceeded|TooManyMissedTimes|FailedNeedsStart",
    ErrorFamily.DELETION: "FailedKillPod|FailedDelete|NamespaceDeletionContentFailure",
    ErrorFamily.STARTUP: "ContainerCreating|PodInitializing",
    ErrorFamily.APPLICATION: (
        "(?:HTTP(?:/[0-9](?:[.][0-9])?)?(?: status)?(?: code)?(?: error)? ?)(?:5[0-9]{2}|5xx)s?|5xx(?:s|es)?|"
        "50[0234] (?:errors?|responses?|status|Internal Server Error|Bad Gateway|Service Unavailable|"
        "Gateway Time-?out)|(?:return(?:s|ed|ing)?|throw(?:s|n|ing)|giv(?:es?|ing)|gave|gets?|getting|"
        "got|sees?|seeing|with|status) (?:an? )?50[0-4]s?|50[0-4]s|EADDRINUSE"
    ),
}
_WORDS: dict[ErrorFamily, str] = {
    ErrorFamily.MEMORY: (
        "(?:runs?|ran|running) out of (?:memory|RAM|heap)|out[ -]of[ -]memory|"
        "OOM(?:[ -]?kill(?:ed|s|er|ing)?|ed|'d|ing)?s?|"
        "memory (?:leaks?|limits?|pressure|exhausted|exhaustion|spikes?)|leak(?:s|ed|ing)? memory|too much (?:memory|"
        "RAM)|heap (?:space|exhausted)|(?:high|excessive) memory(?: usage)?|memory usage|(?:eat(?:s|"
        "ing)?|us(?:es?|ing)|tak(?:es?|ing)|hogs?|hogging) (?:up )?(?:all |most |more |a lot |"
        "lots )?(?:of )?(?:the |its |"
        "our )?(?:memory|RAM)"
    ),
    ErrorFamily.CPU: (
        "CPU[ -]?throttl(?:ed|ing)|throttl(?:ed|ing|es?)|CPU (?:starv(?:ed|ation)|pressure|spikes?|saturat(?:ed|ion)|"
        "limits?)|(?:high|excessive) CPU(?: usage| load)?|(?:too much|pegged at) CPU|CPU usage|maxed out|"
        "[0-9]{2,3} ?% "
        "CPU|CPU (?:at|is at) [0-9]{2,3} ?%"
    ),
    ErrorFamily.IMAGE: (
        "<cannot> (?:be )?pull(?:ed|ing)?(?: (?:the |its |an |any )?images?)?|image pulls?(?: (?:errors?|failures?|"
        "fail(?:s|ed|ing)?))?|pull(?:ing)? (?:the |an |its )?images?|(?:wrong|bad|missing|"
        "nonexistent) image(?: tag)?|(?:image|tag)(?: [^ ]{1,200})? (?:is |was )?(?:not found|missing|"
        "<not> exist)|manifest unknown|toomanyrequests|pull access denied"
    ),
    ErrorFamily.DELETION: (
        "(?:stuck|hang(?:s|ing)|hung)(?: in| on| at| while)? (?:terminating|deleting|deletion|termination)|"
        "terminating(?: forever)?|<cannot> (?:be )?delete[d]?|finali[sz]ers?"
    ),
    ErrorFamily.DNS: (
        "<cannot> (?:be )?resolv(?:ed?|ing)|no such host|name resolution|(?:DNS|name|lookup) (?:lookups?|errors?|"
        "failures?|issues?|problems?|fail(?:s|ed|ing|ure)?|resolution)|unknown host|host(?:name)? not found|"
        "server misbehaving|CoreDNS|DNS"
    ),
    ErrorFamily.CERTIFICATE: (
        "(?:certificates?|certs?)(?: (?:has |have |is |are )?(?:expired|invalid|untrusted|not trusted))?|"
        "unknown authority|(?:TLS|SSL)(?: handshakes?)?(?: (?:errors?|failures?|fail(?:s|ed)))?"
    ),
    ErrorFamily.PERMISSION: (
        "permission denied|access denied|forbidden|unauthori[sz]ed|<not> allowed|RBAC|<not> permitted|(?:wrong|bad|"
        "invalid) (?:password|credentials|token)|authenticat(?:ion|e) (?:fail(?:s|ed|ure|ures)|errors?)"
    ),
    ErrorFamily.ADMISSION: (
        "(?:admission )?webhooks?|denied the request|violates PodSecurity|rejected by (?:policy|admission)"
    ),
    ErrorFamily.QUOTA: (
        "(?:exceed(?:s|ed|ing)? )?(?:resource )?quotas?(?: exceeded)?|rate[ -]?limit(?:ed|ing|s)?|too many requests|"
        "limitranges?"
    ),
    ErrorFamily.STORAGE: (
        "no space left(?: on device)?|disks? (?:is |are )?(?:almost |nearly )?full|(?:runs?|ran|"
        "running) out of (?:disk(?: space)?|space|storage)|<cannot> (?:be )?mount(?:ed|ing)?|"
        "mount(?:ing)? (?:errors?|"
        "failures?|fail(?:s|ed|ing)?)|<cannot> (?:be )?attach(?:ed|ing)?|read[ -]?only (?:file ?system|fs|volume)|"
        "(?:volumes?|PVCs?|claims?) (?:is |are )?(?:<not> |un)(?:bound|mounted|attached|provisioned)|unbound|"
        "<not> (?:be |get |getting |being )?bound|"
        "(?:failed|failing) (?:volume )?(?:mount|attachment)s?|out of inodes|full disks?|volume (?:errors?|problems?|"
        "issues?)|data loss|input/output error|<cannot> write"
    ),
    ErrorFamily.SCHEDULING: (
        "<cannot> (?:be |get )?schedule[d]?|<not> (?:being |getting )?scheduled|insufficient (?:cpu|memory|resources|"
        "pods)|pending|(?:un)?tolerated|taints?|<cannot> (?:be )?placed?|no (?:nodes?|place) (?:available|to run|"
        "fits?)|not enough (?:cpu|memory|resources|capacity|nodes)|anti-?affinity|node ?selector|"
        "(?:<cannot>|<not>) (?:find|get|have) (?:a |any )?(?:nodes?|place|room)|no (?:room|capacity)(?: left)?"
    ),
    ErrorFamily.CONFIG: (
        "misconfigur(?:ed|ation)|(?:wrong|bad|invalid|missing|broken) (?:configuration|config|configmap|secret|"
        "env(?:ironment)?(?: var(?:iable)?s?)?|key|settings?|argument|flag|value)|(?:configmap|secret|env var|"
        "key) (?:is )?(?:not found|missing)|(?:configmap|secret|env(?:ironment)? var(?:iable)?|"
        "key) [a-z0-9_.-]{1,253} (?:is |was )?(?:not found|not set|unset|<not> exist)|(?:is|was|are) (?:not set|"
        "unset)|typo"
    ),
    ErrorFamily.PROBE: (
        "(?:(?:readiness|liveness|startup|health)[ -]?(?:probes?|checks?)|probes?)(?: (?:is |are |"
        "keeps? )?(?:errors?|failures?|fail(?:s|ed|ing)?))?|<not> (?:become |becomes |becoming |get |getting )?ready|"
        "unready|health[ -]?checks?"
    ),
    ErrorFamily.ROLLOUT: (
        "<not> roll(?:s|ed|ing)? ?out|"
        "roll-?outs?(?: (?:is |are )?(?:stuck|hanging|fail(?:s|ed|ing)|blocked|not (?:finishing|progressing)))?|"
        "rolling update|roll(?:ed)? ?back|(?:update|upgrade|rollout) (?:is )?stuck|<not> progressing"
    ),
    ErrorFamily.SCALING: (
        "<not> (?:being )?scal(?:e|es|ed|ing)(?: up| down| out)?|<cannot> scale(?: up| down| out)?|"
        "autoscal(?:er|ing|e)|too (?:few|many) replicas|<not> (?:add(?:ing|ed)?|creat(?:e|ing|ed)) (?:an? |any |"
        "more |new "
        "){0,2}nodes?"
    ),
    ErrorFamily.NODE: (
        "evict(?:ed|ion|ions|ing|s)|(?:memory|disk|pid|node)[ -]pressure|(?:kubelet )?(?:has )?stopped "
        "posting(?: node)?(?: status)?|kubelet|drain(?:ed|ing)?|cordon(?:ed)?|"
        "nodes? (?:is |are |went |keeps? )?(?:down|gone|lost|dead|offline|not ready|unreachable|full|flapping)"
    ),
    ErrorFamily.NETWORK: (
        "(?:connections? )?(?:was |is |were |gets? )?(?:refused|reset by peer)|<cannot> (?:be )?(?:reach|reached|"
        "connect|connecting|talk|communicate|access)|unreachable|no route to host|network ?polic(?:y|ies)|"
        "(?:connectivity|connection|network(?:ing)?)(?: (?:errors?|issues?|problems?|failures?|loss|drops?|resets?|"
        "partition))?|packet loss|drop(?:s|ped|ping) (?:packets|connections|traffic)|lost connection|disconnect(?:s|"
        "ed|ing)?|too many (?:open )?(?:connections|clients|sockets)|no endpoints?|<not> (?:be )?(?:reachable|"
        "connect(?:ing)?)|egress|ingress rules?"
    ),
    ErrorFamily.TIMEOUT: (
        "time(?:s|d)?[ -]?outs?|timing out|deadline exceeded|(?:exceed(?:ed|s|ing)?|miss(?:ed|es|ing)?) (?:its |the |"
        "their |a )?(?:active )?deadline|took too long|takes too long"
    ),
    ErrorFamily.LATENCY: (
        "slow(?:ly|er|ness|s|ed|ing)?|latenc(?:y|ies)|laggy|lag(?:s|ging)?|sluggish|high response times?|"
        "response times?|delay(?:s|ed)?|take(?:s)? (?:ages|forever|long|minutes|too long)|performance(?: (?:issues?|"
        "problems?|degradation))?"
    ),
    ErrorFamily.JOB: (
        "(?:cron)?jobs? (?:is |are |did |does |do |has |have )?<not> (?:complete[ds]?|finish(?:ed|es)?|run(?:ning)?|"
        "ran)|missed (?:its |the |a |any |several |some |[0-9]{1,4} )?(?:schedules?|runs?|executions?|start times?)|"
        "<not> (?:finish(?:e[ds])?|finishing|complete[ds]?|completing)"
    ),
    ErrorFamily.CRASH: (
        "crash[ -]?loop(?:s|ed|ing)?|crash(?:ed|ing|es)?|keeps? (?:on )?(?:getting )?(?:dying|exiting|falling over|"
        "blowing up|quitting|stopping|bouncing|rebooting|cycling)|panic(?:s|ked|king)?|segfault(?:s|ed|ing)?|"
        "segmentation fault|core dump(?:ed|s)?|dies|"
        "dying|died|flapping|boot[ -]?loop(?:s|ing)?|aborted|comes up and goes down|(?:go(?:es|ing)?|falls?|"
        "fell) over|blows? up"
    ),
    ErrorFamily.STARTUP: (
        "<cannot> (?:be |get )?(?:start(?:ed|ing|s)?|come up|boot(?:ing)?|launch(?:ed)?|initiali[sz]e|spin up)|"
        "<not> (?:starting|coming up|booting|launching)|<cannot> run|<not> running|init(?:ialization)? (?:errors?|"
        "fail(?:s|ed|ure))|no pods?(?: (?:is|are))?(?: running)?"
    ),
    ErrorFamily.AVAILABILITY: (
        "unavailab(?:le|ility)|outages?|offline|unresponsive|<not> respond(?:ing)?|<cannot> respond|disappear(?:ed|"
        "s)?|<not> (?:available|serving|answering)|interruptions?|degrad(?:ed|ation)|no (?:response|answer)|"
        "vanish(?:ed|es)?"
    ),
    ErrorFamily.APPLICATION: (
        "(?:address|port)(?: is)? (?:already )?(?:in use|taken)|exceptions?|stack ?traces?|tracebacks?|"
        "internal server errors?|bad gateway|null ?pointer|<cannot> parse|"
        "wrong (?:answers?|results?|responses?)"
    ),
}
# "Why can't cart connect": the verb stands behind the name.
_APART: dict[ErrorFamily, str] = {
    ErrorFamily.NETWORK: "reach|connect|talk|communicate|access",
    ErrorFamily.DNS: "resolve",
    ErrorFamily.IMAGE: "pull",
    ErrorFamily.SCHEDULING: "(?:be |get )?scheduled?",
    ErrorFamily.STORAGE: "mount|attach|write",
    ErrorFamily.STARTUP: "start|come up|boot|run",
    ErrorFamily.ROLLOUT: "roll ?out|progress",
    ErrorFamily.SCALING: "scale",
}
# "The rollout of cart is stuck".
_OF_ROLLOUT: dict[ErrorFamily, str] = {
    ErrorFamily.ROLLOUT: "stuck|hang(?:s|ing)|hung|blocked|frozen|paused|<not> (?:finishing|progressing)"
}
_VAGUE: dict[ErrorFamily, str] = {
    ErrorFamily.CRASH: "restart(?:ed|ing|s)?|killed|terminated|exit(?:s|ed|ing)",
    ErrorFamily.STARTUP: "stuck|hang(?:s|ing)|hung",
    ErrorFamily.AVAILABILITY: (
        "down|dead|gone|<short> (?:pods? |replicas? |containers? )?(?:are |is )?(?:ready|available|running|up|healthy)"
    ),
    ErrorFamily.PERMISSION: (
        "<cannot> (?:list|watch|get|create|patch|update) (?:the )?(?:resources?|secrets?|configmaps?|leases?)|"
        "<cannot> (?:list|watch) (?:the )?(?:pods?|nodes?|deployments?|services?|jobs?|events?|namespaces?)"
    ),
    ErrorFamily.SCALING: "hpa",
    ErrorFamily.STORAGE: "(?:is|are|was|almost|nearly) full",
    ErrorFamily.DELETION: "deleted",
    ErrorFamily.CONFIG: "missing",
    ErrorFamily.CERTIFICATE: "expired",
    ErrorFamily.FAILURE: (
        "fail(?:ed|ing|s|ures?)?|errors?|erroring|broken|broke|breaks?|breaking|on fire|acting up|borked|"
        "hosed|wedged|frozen|freez(?:es|ing)|los(?:es|ing|t)|corrupt(?:ed|ion)?|"
        "<not> work(?:ing)?|stopped working|"
        "misbehav(?:es|ing|ed)|unstable|flaky|<not> healthy|not ok(?:ay)?|faulty|unhealthy|unhappy|rejected|denied"
    ),
}
# What people name where something is wrong with it, and which says nothing alone.
_FAINT: dict[ErrorFamily, str] = {
    ErrorFamily.MEMORY: "memory|RAM|heap",
    ErrorFamily.CPU: "CPU",
    ErrorFamily.STORAGE: r"full(?=\W*\Z)",
}


def _compiled(table: dict[ErrorFamily, str], before: str = "") -> re.Pattern[str]:
    groups = before + "(?:" + "|".join(f"(?P<{family.name}>{words})" for family, words in table.items()) + ")"
    groups = groups.replace("<cannot>", _CANNOT).replace("<not>", _NOT).replace("<short>", FEWER)
    groups = re.sub(r" (?![^\[\]]*\])", " {1,3}", groups.replace("'", "['\u2019]?").replace(" ?", "[ ]?"))
    return re.compile(rf"(?<![\w-]){groups}(?![\w-])", re.I | re.A)


_TIERS = (
    _compiled(_REASONS),
    _compiled(_OF_ROLLOUT, "roll-?outs? of(?: [a-z0-9./-]{1,128}){1,3}? (?:is |are |has been |keeps )?"),
    _compiled(_WORDS),
    _compiled(_APART, "<cannot>(?: [a-z0-9.-]{1,64}){1,4}? "),
    _compiled(_VAGUE),
    _compiled(_FAINT),
)
# Tiers that say what is wrong.
_TELLING = 4


def find_error(text: str, *, telling: bool = False) -> ErrorName | None:
    """Give the failure that a text speaks of, in its own words; the first of the most telling kind.

    With `telling`, words that only say that something is wrong are passed over.

    >>> find_error("the pod keeps failing with oomkilled")
    ErrorName(word='oomkilled', family=<ErrorFamily.MEMORY: 'memory'>)
    >>> find_error("cart cannot reach the database").family.value
    'network'
    """
    for tier in _TIERS[:_TELLING] if telling else _TIERS:
        match = tier.search(text)
        if match and match.lastgroup:
            return ErrorName(match[match.lastgroup], ErrorFamily[match.lastgroup])
    return None


def find_reason(text: str) -> str | None:
    """Give the first reason in a text that Kubernetes itself writes (`OOMKilled`, an exit code), as it was typed."""
    match = _TIERS[0].search(text)
    return match[0] if match else None
