"""Static files that give a contest's answers away, by their names."""

from __future__ import annotations

NEVER_PUBLIC = ("*_sols.html", "*.htaccess", "*/bebras.js")
"""`bebras.js` of each task holds solution, grader and accepted answers; no page of the contest fetches it."""
NEVER_PUBLIC_BY_POLICY = ("*_graders.html",)
PRESIGNED = ("*_sols.html", "*_graders.html")
"""Fetched by browsers with URLs that the PHP code signs for ten minutes."""
CONTESTS = "contests/"
"""Below which the contest generator writes."""
