"""Floor 5: what will happen. The plan is what is printed, stored, and handed to the engine."""
