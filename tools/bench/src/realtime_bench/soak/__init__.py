"""What is stored, compared with what the exchange truly traded, after every kind of fault."""
