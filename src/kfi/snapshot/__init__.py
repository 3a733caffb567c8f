"""The cluster as it was at a moment: typed objects and the edges between them."""
