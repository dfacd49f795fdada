"""How far the price will go, live: what `targets` says of columns, said close by close."""
