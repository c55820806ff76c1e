"""The site's own rule files, parsed; their meaning is the rules package's business."""

from pathlib import Path

from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.rules.files import RuleFile

RULES_FOLDER = "rules"


def rule_files(folder: Path) -> list[RuleFile]:
    """Every ``rules/*.toml`` of a site folder; :class:`SiteError` for those that are no TOML."""
    mistakes = Mistakes()
    paths = sorted((folder / RULES_FOLDER).glob("*.toml"))
    files = [read_toml(path, f"{RULES_FOLDER}/{path.name}", mistakes) for path in paths]
    if mistakes:
        raise SiteError(mistakes.sorted())
    return [_rule_file(file) for file in files if file is not None]


def _rule_file(file: TomlFile) -> RuleFile:
    return RuleFile(file.name, file.data, lambda path: file.line(*path))
