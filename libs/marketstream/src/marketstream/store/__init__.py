"""Where rows are kept: the port, the one schema, and what implements it."""
