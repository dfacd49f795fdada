"""Topics to the store, and audits of what is stored."""
