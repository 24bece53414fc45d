"""Pictures and words that explain a comparison."""

DISPLAY_VERSION = 1
"""Of what `matcher.draw.display` encodes: rises whenever the same scan would give other bytes."""

THUMBNAIL_VERSION = 2
"""Of what `matcher.draw.thumbnail` draws: rises whenever the same scan would give another picture."""
