"""Which failure a question speaks of, in words or by an alert's name."""

from __future__ import annotations

import pytest

from kfi.retrieval.alert_families import family_of
from kfi.retrieval.error_families import ErrorFamily


@pytest.mark.parametrize(
    ("question", "family"),
    [
        ("Investigate KubePodCrashLooping for cart", ErrorFamily.CRASH),
        ('the alert "KubeHpaMaxedOut" fires', ErrorFamily.SCALING),
        ("what is KubeletDown about?", ErrorFamily.NODE),
        ("KubePersistentVolumeFillingUp in orchard", ErrorFamily.STORAGE),
        ("CPUThrottlingHigh of pricing", ErrorFamily.CPU),
        ("KubeDeploymentReplicasMismatch, why?", ErrorFamily.ROLLOUT),
        ("KubeJobFailed: night-report", ErrorFamily.JOB),
        ("why is pricing out of memory, says KubePodCrashLooping", ErrorFamily.MEMORY),
        ("What is with pricing?", None),
        ("", None),
    ],
)
def test_a_failure_is_known_by_its_words_and_else_by_the_alerts_name(question: str, family: ErrorFamily | None):
    assert family_of(question) == family


def test_a_hostile_question_is_read_in_linear_time():
    assert family_of("Aa" * 100_000) is None
