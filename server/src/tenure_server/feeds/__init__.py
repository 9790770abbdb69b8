"""The feeds of updaters that products already contain. Each only translates what the use cases answer."""
