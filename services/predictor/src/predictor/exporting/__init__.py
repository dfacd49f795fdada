"""Trained candidates as ONNX files, for other programs and other markets' arenas."""
