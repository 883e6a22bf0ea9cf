"""ROS 2 nodes, drivers and bring-up; `drivers` never imports rclpy."""
