"""Reads a systemd unit with its drop-ins, as systemd.syntax(7) and systemd.unit(5) have it."""


# Settings that a further line adds to, and an empty one takes back. Of all others the last counts.
LISTS = {
    "After", "AmbientCapabilities", "CapabilityBoundingSet", "Documentation", "ExecReload",
    "ExecStart", "IPAddressDeny", "ReadWritePaths", "Requires", "RestrictAddressFamilies",
    "SystemCallFilter",
}


class UnitFile:
    """The settings of one section: text by name, or for LISTS the lines given, in order."""

    def __init__(self, section, paths):
        self.settings = {}
        for path in paths:
            with open(path, encoding="utf-8") as lines:
                self._read(section, path, lines)

    def _read(self, section, path, lines):
        inside = ""
        for number, line in enumerate(lines, 1):
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line.endswith("\\"):
                raise ValueError(f"{path}:{number}: a continued line")
            if line.startswith("[") and line.endswith("]"):
                inside = line[1:-1]
                continue
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"{path}:{number}: neither a section nor a setting: {line}")
            if inside == section:
                self._set(name.strip(), value.strip())

    def _set(self, name, value):
        if name not in LISTS:
            self.settings[name] = value
        elif value:
            self.settings.setdefault(name, []).append(value)
        else:
            self.settings[name] = []

    def text(self, name):
        return self.settings.get(name, "")

    def lines(self, name):
        return self.settings.get(name, [])

    def is_yes(self, name):
        value = self.text(name) or "no"
        if value not in ("yes", "no"):
            raise ValueError(f"{name}={value}: neither yes nor no")
        return value == "yes"
