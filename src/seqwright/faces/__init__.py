"""The commands of the command line, a file for each errand; nothing heavy is imported before a command runs."""
