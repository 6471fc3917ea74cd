"""What a run leaves on disk: its folder, checkpoints, snapshots of single epochs."""
