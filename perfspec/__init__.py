"""perfspec: load tests as readable YAML, with verdicts that say how sure they are."""

__version__ = "0.1.0"
