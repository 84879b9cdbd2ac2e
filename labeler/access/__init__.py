"""Who calls: how people sign in, what they may do, and what the program signs."""
