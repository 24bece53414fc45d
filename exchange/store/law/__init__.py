"""The draft of this node's own compendium of law."""
