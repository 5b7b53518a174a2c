"""The demo day: recorded terminals and people, played through the real doors at park-clock speed."""
