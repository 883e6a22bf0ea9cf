"""Hardware and twin backends behind small protocols; vendor SDKs only in their own file."""
