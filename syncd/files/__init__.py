"""The files that a person edits: one YAML loader with positions, the forms of values, how a problem is shown."""
