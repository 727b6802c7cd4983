"""What can happen to an account: sign-up, login, links, sessions, choices, and how often a stranger may try."""
