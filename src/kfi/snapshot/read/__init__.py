"""Readers: each turns one kind of text into objects in the form the Kubernetes API has."""
