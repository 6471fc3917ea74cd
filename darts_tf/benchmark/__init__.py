"""How long a step takes, how long a program takes to start, and how much memory it needs."""
