"""What a node is while it runs: its settings, keys, store, galleries, processes and neighbours in one place."""
