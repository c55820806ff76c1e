"""Read a site folder: TOML for people, one CSV of points, every mistake with its file and line."""

from cityhall_bms.adapters.site_files.reader import load_site
from cityhall_bms.adapters.site_files.render import render_problems

__all__ = ["load_site", "render_problems"]
