"""Commands of `vla-mbpo` that need the robot package."""
