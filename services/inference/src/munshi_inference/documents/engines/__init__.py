"""Programs and models that find and read the text of a page."""
