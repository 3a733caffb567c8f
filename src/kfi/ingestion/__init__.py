"""Evidence in: find the pieces of what a user hands over, and make each a Document."""
