"""The page on churn and revenue by calendar."""
