"""What people ask for in words, the same words in every chat, on the command line and in the API. Pure."""
