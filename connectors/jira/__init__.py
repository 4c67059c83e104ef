"""Jira ⇄ Issue, Action. The `jira` package lives here only."""
