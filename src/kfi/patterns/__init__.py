"""What repeats, gathers, spreads or is new in the evidence, each with the test it passed."""
