"""The language of conditions: text to tree, tree to checked terms, terms to programs over vectors."""
