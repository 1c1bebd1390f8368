"""A browser and its device in words, from what the browser says of itself."""

# The first that is found: each of them says that it is some of the later ones, too.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "an Android device"), ("CrOS", "a Chromebook"),
    ("Windows", "Windows"), ("Macintosh", "a Mac"), ("Linux", "Linux"),
)  # fmt: skip


def device_in_words(says: str) -> str:
    """As “Chrome on Windows”."""
    browser = next((name for sign, name in BROWSERS if sign in says), "A browser")
    system = next((name for sign, name in SYSTEMS if sign in says), "another device")
    return f"{browser} on {system}"
