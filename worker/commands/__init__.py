"""The commands of `leadmail`, a file for each group."""
