"""The incident annex: entered, imported, looked at, approved and handed out."""
