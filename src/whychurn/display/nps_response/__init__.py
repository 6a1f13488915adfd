"""The page on who answers."""
