"""Draws companies whose reasons for leaving are known, runs whychurn's own analyses on them, and counts how often they are right."""
