"""Half-years that the nodes of `ffp training` have behind them: simulated through the real flows, with their truth."""
