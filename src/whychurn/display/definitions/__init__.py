"""Drawings of many churn rates of the same data, and of the customers between them."""
