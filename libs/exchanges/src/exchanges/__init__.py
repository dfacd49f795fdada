"""What exchanges say and how they are asked: all knowledge of wires."""
