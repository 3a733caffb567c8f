"""
What becomes of an answer when the model server misbehaves: each fault of the stand-in, in both protocols, as a table.

    python benchmarks/faults.py

Every answer has to be a valid diagnosis, with the causes of the rules, within the deadline and a grace for the rest of
the work; the exit code is 1 where one is not. The stand-in thinks nothing: this says nothing of the quality of words.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.model_faults import FAULTS, ModelFault, copilot_of, standing_in

from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis

# Seconds for reading the evidence, the rules and a loaded machine.
_GRACE_S = 1.0
_QUESTION = "Why is cart down?"
_PODS = (
    "NAMESPACE   NAME     READY   STATUS             RESTARTS      AGE\n"
    "orchard     cart-0   0/1     CrashLoopBackOff   7 (2m ago)    20m\n"
)


@dataclass(frozen=True)
class Outcome:
    """What one fault came to."""

    fault: ModelFault
    answer: FailureDiagnosis
    seconds: float
    same_causes: bool

    @property
    def is_good(self) -> bool:
        """Whether it is valid, in time, and the rules stand."""
        valid = FailureDiagnosis.model_validate_json(self.answer.model_dump_json()) == self.answer
        return valid and self.same_causes and self.seconds <= self.fault.deadline_s + _GRACE_S


def outcome_of(fault: ModelFault, protocol: str, evidence: Path) -> Outcome:
    """Ask a question while a fault is at work."""
    with standing_in(fault) as server, copilot_of(fault, server.url + protocol, evidence) as copilot:
        rules = copilot.diagnose(DiagnoseRequest(question=_QUESTION, force_model="rules"))
        started = time.perf_counter()
        answer = copilot.diagnose(DiagnoseRequest(question=_QUESTION, force_model="simple"))
        return Outcome(fault, answer, time.perf_counter() - started, answer.root_causes == rules.root_causes)


def main() -> None:
    """Print the table."""
    bad = 0
    print("| fault | protocol | answered by | seconds | deadline | diagnosis | what the answer says |")
    print("|---|---|---|---:|---:|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pods.txt").write_text(_PODS)
        for fault in FAULTS:
            for protocol, name in (("", "Ollama"), ("/v1", "OpenAI")):
                outcome = outcome_of(fault, protocol, Path(folder))
                bad += not outcome.is_good
                said = (
                    outcome.answer.model_choice.reason.rpartition("; ")[2] if outcome.answer.degraded else "explained"
                )
                who, judged = outcome.answer.reasoning_model_used, "valid" if outcome.is_good else "BAD"
                took = f"{outcome.seconds:.2f} | {fault.deadline_s:g}"
                print(f"| {fault.name} | {name} | {who} | {took} | {judged} | {said} |")
    print(f"\n{2 * len(FAULTS) - bad} of {2 * len(FAULTS)} end in a valid diagnosis within the deadline.")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
