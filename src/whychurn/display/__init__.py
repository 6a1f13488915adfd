"""Draw Findings: figures, tables and wording. Nothing here knows a model, a panel or a study."""
