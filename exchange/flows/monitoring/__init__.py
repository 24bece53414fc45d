"""The half-yearly monitoring report: definitions, counts, and its release by the head of the FFP."""
