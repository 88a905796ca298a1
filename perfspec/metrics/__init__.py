"""Floor 3: numbers. Series fill slots in the hot path, slices carry them out, rows add slices up. Knows no HTTP."""
