"""Does the score foretell leaving: headline, curves after an answer, ratios, foresight, and what leavers had said."""
