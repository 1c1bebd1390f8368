"""Files: what they are by their content, where it is stored, the virus scanner, and smaller pictures to look at."""
