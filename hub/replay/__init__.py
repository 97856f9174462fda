"""Old points sent again: where they come from, when each is due, and how far everything has its outcome."""
