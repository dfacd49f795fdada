"""Vocabulary and plumbing that every service shares."""
