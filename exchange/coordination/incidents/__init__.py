"""The incident annex: counts of incidents and persons, entered or imported, approved and published."""
