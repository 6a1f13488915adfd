"""The page on who recommends."""
