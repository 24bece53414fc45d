"""What an operator does: look after the node, find faults, back up, restore."""
