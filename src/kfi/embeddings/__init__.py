"""Turning text into vectors; with retrieval/reranker.py the only room that runs embedding and reranking models."""
