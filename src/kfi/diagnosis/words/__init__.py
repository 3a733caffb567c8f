"""The words of rules that need many: what each failure code means, how to see it, how to mend it."""
