"""What every room may use: errors, look-up by name, files, progress, one flag."""
