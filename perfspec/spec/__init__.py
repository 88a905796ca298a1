"""Floor 4: what was said, typed, with its places; and whether it makes sense."""
