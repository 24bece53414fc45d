"""The half-yearly monitoring report."""
