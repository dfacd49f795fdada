"""What models learn from and when: rows with labels, fitting, tuning, in a process of its own."""
