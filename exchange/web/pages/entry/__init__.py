"""Registration of an exhibit."""
