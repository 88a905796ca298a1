"""Floor 5: what follows from a promise over a period: budgets, alert rules, dashboards. Text out, no I/O."""
