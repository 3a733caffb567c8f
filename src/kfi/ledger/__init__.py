"""The system of record: every document that was ever ingested, in SQL."""

from kfi.ledger.ledger import Ledger, Written

__all__ = ["Ledger", "Written"]
