"""The service: settings, actors, the clock, the watcher and the command line."""
