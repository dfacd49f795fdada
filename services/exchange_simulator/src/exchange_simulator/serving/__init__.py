"""What every venue's server does alike: connections, cuts of market time, limits, and the port."""
