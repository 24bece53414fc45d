"""What a node knows of its last backup and of restores that were tried; whether both are recent enough."""
