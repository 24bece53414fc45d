"""What a node does: one act in each file, one kind of acts in each room. A flow opens the transaction of its act."""
