"""
Everything that a model server may do wrong, as replies of the stand-in; the tests and `benchmarks/faults.py` use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kfi.config import Settings
from kfi.copilot import Copilot
from tests.ollama_standin import Fault, OllamaStandIn, Reply

WHOLE_S = 20.0
"""Seconds for what ends by itself."""


@dataclass(frozen=True)
class ModelFault:
    """One thing that goes wrong."""

    name: str
    reply: Reply | tuple[Reply, ...]
    explained: bool = False
    """Whether an explanation comes all the same."""
    deadline_s: float = WHOLE_S
    """Seconds that the model has in all; short where it will take all of them."""


_LOOPS = "It is in CrashLoopBackOff [E1]."
_AS_PROSE = Reply(content=("Sure, here it is.",))

FAULTS = (
    ModelFault("nothing wrong", Reply(content=(_LOOPS,)), explained=True),
    ModelFault("silent", Reply(fault=Fault.SILENT), deadline_s=1.0),
    ModelFault("hangs in the middle", Reply(fault=Fault.HANGS), deadline_s=1.0),
    ModelFault("slow trickle", Reply(content=("x ",) * 1000, pause_s=0.05), deadline_s=1.0),
    ModelFault("connection breaks", Reply(fault=Fault.BROKEN)),
    ModelFault("connection breaks once", (Reply(fault=Fault.BROKEN), Reply(content=(_LOOPS,))), explained=True),
    ModelFault("ends without its end mark", Reply(fault=Fault.UNFINISHED)),
    ModelFault("cut at its token limit", Reply(done_reason="length")),
    ModelFault("loads and says nothing", Reply(content=(), done_reason="load")),
    ModelFault("error in the stream", Reply(fault=Fault.ERROR)),
    ModelFault("status 500", Reply(fault=Fault.STATUS)),
    ModelFault("status 500 once", (Reply(fault=Fault.STATUS), Reply(content=(_LOOPS,))), explained=True),
    ModelFault("redirect elsewhere", Reply(fault=Fault.REDIRECT)),
    ModelFault("prompt refused as too long", Reply(fault=Fault.TOO_LONG)),
    ModelFault("prompt silently cut", Reply(prompt_tokens=8192)),
    ModelFault("prompt silently cut in half", Reply(prompt_tokens=16)),
    ModelFault("compressed answer", Reply(fault=Fault.PACKED)),
    ModelFault("no JSON", Reply(fault=Fault.GARBAGE)),
    ModelFault("JSON of another shape", Reply(fault=Fault.STRANGE)),
    ModelFault("10 MB at once", Reply(content=("x" * 10_000_000,))),
    ModelFault("endless", Reply(content=("x" * 8000,), fault=Fault.ENDLESS)),
    ModelFault("empty", Reply(content=())),
    ModelFault("blank", Reply(content=(" \n",))),
    ModelFault("only thinks", Reply(content=("<think>on and on",))),
    ModelFault("cites nothing", Reply(content=("It was killed.",))),
    ModelFault("cites what is not there", Reply(content=("It was killed [E99].",))),
    ModelFault("invents an object", Reply(content=("Pod/orchard/invented-0 was killed [E1].",))),
    ModelFault("invents a quote", Reply(content=('It says "the disk is on fire" [E1].',))),
    ModelFault("deletes", Reply(content=("Run kubectl delete namespace orchard [E1].",))),
    ModelFault("does not know", Reply(content=("I do not know.",)), explained=True),
    ModelFault("object is prose", Reply(content=(_LOOPS,), structured=_AS_PROSE), explained=True),
    ModelFault("object is empty", Reply(content=(_LOOPS,), structured=Reply(content=())), explained=True),
    ModelFault(
        "object deep as a well", Reply(content=(_LOOPS,), structured=Reply(content=('{"a":' * 9000,))), explained=True
    ),
    ModelFault("object breaks off", Reply(content=(_LOOPS,), structured=Reply(fault=Fault.BROKEN)), explained=True),
    ModelFault("object never comes", Reply(content=(_LOOPS,), structured=Reply(fault=Fault.HANGS)), True, 8.0),
    ModelFault("schema refused", Reply(content=(_LOOPS,), unknown_fields=("response_format",)), explained=True),
)


def standing_in(fault: ModelFault) -> OllamaStandIn:
    """Give a stand-in with a fault, as a context manager."""
    return OllamaStandIn(reply=fault.reply)


def copilot_of(fault: ModelFault, url: str, evidence: Path) -> Copilot:
    """Give a copilot that asks this server and has read this evidence."""
    where = {"llm_url": url, "ollama_url": ""} if url.endswith("/v1") else {"ollama_url": url}
    settings = Settings(**where, model_timeout_s=fault.deadline_s, throwaway_embedding_s=0)  # type: ignore[arg-type]
    copilot = Copilot.throw_away(settings)
    copilot.ingest([str(evidence)])
    return copilot
