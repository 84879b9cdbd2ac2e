"""Access: how people sign in, what they may do, and the tokens that the program signs."""
