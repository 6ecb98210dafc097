"""HTML pages for people who train."""
