"""Values → what people and programs read: Markdown, terminal text, JSON, and the trackers' comment formats."""
