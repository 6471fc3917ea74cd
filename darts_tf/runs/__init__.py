"""The files of a run: its folder, checkpoints, snapshots of single epochs."""
