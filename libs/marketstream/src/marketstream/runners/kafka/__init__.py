"""Stages on Kafka through Quix Streams, the only package that imports either."""
