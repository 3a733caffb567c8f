"""Where vectors and words of documents are searched; the only room that imports pymilvus."""
