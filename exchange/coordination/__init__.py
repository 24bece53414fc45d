"""The region's coordination: it imports the node, and the node imports nothing from here."""
