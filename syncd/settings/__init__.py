"""syncd.yaml + environment → `Settings`, or every problem as file:line:column (DESIGN §9)."""

from syncd.settings.loading import (
    SETTINGS_FILE,
    CheckOptions,
    load_settings,
    missing_secrets,
    read_settings,
    tracker_options,
)
from syncd.settings.values import (
    CommandSettings,
    CommentSettings,
    GroupNames,
    HttpSettings,
    MarksSettings,
    QuietHours,
    Secret,
    Settings,
    TrackerSettings,
)

__all__ = [
    "SETTINGS_FILE",
    "CheckOptions",
    "CommandSettings",
    "CommentSettings",
    "GroupNames",
    "HttpSettings",
    "MarksSettings",
    "QuietHours",
    "Secret",
    "Settings",
    "TrackerSettings",
    "load_settings",
    "missing_secrets",
    "read_settings",
    "tracker_options",
]
