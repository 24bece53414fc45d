"""How a jurisdiction joins the exchange, in seven steps."""
