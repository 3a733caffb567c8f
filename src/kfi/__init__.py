"""Kubernetes Failure Intelligence Copilot: what failed, why, and the lines that prove it."""

__version__ = "0.1.0"
