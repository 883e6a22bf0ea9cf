"""ROS 2 nodes: thin, one job each, over pure objects."""
