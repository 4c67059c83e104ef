"""The long-running process as others see it: HTTP for health, metrics and webhooks, and its word to systemd."""
