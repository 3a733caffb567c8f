"""From a snapshot to findings, and from findings to causes."""
