"""NAS-Bench-201: its tables of accuracies, and searches that look networks up in them."""
