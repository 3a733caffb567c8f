"""From evidence to the words of an answer: which model, what it is told, and what of its words may stand."""
