"""The checks, each a rule of the contract that is tried from outside."""
