"""Tells each agent what concerns them, in the ways that they chose: in the console, as a desktop
notification, with a sound, by mail while they are away."""
