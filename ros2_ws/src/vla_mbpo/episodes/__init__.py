"""Episode datasets: LeRobotDataset v3.0 folders, written crash-safe and read without lerobot."""
