"""The sober pages for people, without a script."""
