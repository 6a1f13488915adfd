"""Study: the frozen question, read from ``study.toml``."""
