"""Arrays and numbers: limits, parameters, planes, packing, the bootstrap, figures."""
