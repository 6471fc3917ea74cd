"""What an architecture costs: counted, expected in a supernet, measured on a device."""
