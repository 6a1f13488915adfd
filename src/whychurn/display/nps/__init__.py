"""The page on what customers say."""
