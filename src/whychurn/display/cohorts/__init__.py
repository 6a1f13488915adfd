"""The page on cohorts: triangles, curves, ratios, age against calendar, and whose revenue today's revenue is."""
