"""Features of what a venue tells of a perpetual, one a file: each is an indicator by its name."""
