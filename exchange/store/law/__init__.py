"""The draft of this node's own compendium of law, and the editions of all sides."""
