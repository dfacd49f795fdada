"""Rows as a stream of Apache Arrow, written without its library, which is larger than this API."""
