"""Floor 0: units, the clock, chance, exit codes. Imports nothing of perfspec."""
