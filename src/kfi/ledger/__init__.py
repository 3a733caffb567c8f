"""The system of record: every document that was ever ingested, in SQL."""
