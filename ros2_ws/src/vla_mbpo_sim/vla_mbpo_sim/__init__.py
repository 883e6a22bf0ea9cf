"""MuJoCo twins of the robots, with task scenes and scripted experts; no ROS."""
