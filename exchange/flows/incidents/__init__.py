"""The incident annex: counts of incidents with firearms and of the persons in them, by half-year. Aggregates alone."""
