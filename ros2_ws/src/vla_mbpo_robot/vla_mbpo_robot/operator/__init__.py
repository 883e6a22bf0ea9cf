"""What an operator does and hears: events, keys, pedal, sounds, preflight. No ROS."""
