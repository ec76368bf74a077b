"""The pigeon channel: letters come in a folder, answers leave in another."""
