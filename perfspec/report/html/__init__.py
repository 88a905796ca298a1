"""The HTML report: one file without scripts, made from the result document alone. Opens from disk, prints, is inert."""
