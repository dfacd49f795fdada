"""What `/openapi.json` gives as examples."""
