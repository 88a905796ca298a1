"""Floor 7: an index over result files in SQL. The files are the truth; it is rebuilt from them at any time."""
