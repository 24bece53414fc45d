"""How a node is served: by one process, or by several and one that looks after them."""
