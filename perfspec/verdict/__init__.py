"""Floor 5: thresholds + slices -> verdicts, with exact bounds. Knows no engine: a stored run is judged the same way."""
