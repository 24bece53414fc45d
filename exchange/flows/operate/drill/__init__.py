"""The restore drill: a backup is restored in a scratch place, verified, compared with the running node, and deleted."""
