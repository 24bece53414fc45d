"""A region to practise in: six nodes on one machine, and half-years that are over, simulated."""
