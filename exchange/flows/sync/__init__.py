"""Exchange with one peer: serve its lane, pull and verify its pages, fetch its scans, give receipts."""
