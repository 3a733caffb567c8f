"""What a secret looks like: names, values, shapes, blocks of lines, and objects that hold some."""
