"""
Numbers as a sentence has them: one Pod, two Pods.
"""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Give a number with its noun in the right form.

    >>> counted(1, "Pod"), counted(3, "restart")
    ('1 Pod', '3 restarts')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
