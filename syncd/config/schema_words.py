"""What each key of the config files means, in the words that an editor shows while somebody types (config/schema/)."""

from collections.abc import Mapping
from typing import Final

_DATED: Final = {
    "from": "The first day (whole days in UTC) on which rules that lead to it match. Outside its dates nothing does.",
    "until": "The last such day, included.",
}
_ACCEPT: Final = {
    "accept": "Advice of `syncd check` that is not wanted here, each by its name with a short reason, such as "
    '{no-metric: "tracked elsewhere"}. docs/lints.md has all names.',
}
_NAMED: Final = {
    "id": "Small letters, digits and dashes, at most 63. It stands in labels and rules, so it never changes.",
    "title": "What people read. May change.",
    "owner": "One person's name or address: who is asked, and who settles a conflict.",
}
_TARGET: Final = {
    "metric": "The number that tells whether it is reached.",
    "due": "The day by which it should be reached.",
}
_FIELDS: Final = {
    "label": "A label that people put on. Folded: case, width and `,.;` at the end do not count.",
    "title": "The summary. Mostly a regular expression: 're:(?i)\\bfailover\\b'.",
    "type": "The name of the issue type.",
    "status": "The name of the status.",
    "status_category": "Where work stands, alike in every tracker: todo, in_progress or done.",
    "priority": "The name of the priority.",
    "project": "The project's key or name.",
    "team": "The team's key or name (Linear).",
    "component": "The name of a component.",
    "fix_version": "The name of a fix version.",
    "sprint": "The name of a sprint or cycle that it is in.",
    "tracker": "The tracker's id in syncd.yaml.",
    "key": "The issue's key, such as PAY-12 or PAY-*.",
}
_RELATED: Final = {
    "parent": "The direct parent meets these conditions.",
    "epic": "The nearest epic above meets these conditions.",
    "initiative": "Something above epics meets these conditions.",
    "ancestor": "Anything above meets these conditions.",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "syncd.yaml": {
        "installation": "Signs every mark; marks of another installation are never touched. Choose it once.",
        "store": "Where syncd remembers: sqlite:///syncd.db, postgresql+psycopg://user@host/database, or a mapping.",
        "trackers": "The trackers, each by an id of your choice; rules, commands and webhooks call it by that id.",
        "write_closed": "Whether work that is done is marked too. It is decided and reported in any case.",
        "marks": "How marks look.",
        "comments": "When the one comment on an issue may be written.",
        "commands": "Who may give commands in trackers.",
        "limits": "When a plan waits for a person.",
        "http": "Where the service listens.",
        "reports": "Where reports go.",
    },
    "Store": {
        "url": "sqlite:///FILE, relative to the folder above the config folder, or postgresql+psycopg://user@host/database.",
        "password": "The database's password: {env: NAME} or {file: PATH}.",
    },
    "Secret": {
        "env": "The environment variable that holds the secret.",
        "file": "The file that holds the secret (at most 64 KiB; the newline at its end does not count).",
    },
    "Tracker": {
        "kind": "What it is: jira-cloud or linear.",
        "url": "The site, such as https://acme.atlassian.net; for Linear its GraphQL endpoint, which may be left out.",
        "auth": "Who syncd is there.",
        "scope": "What syncd may read and mark there. Nothing else is touched.",
        "write": "observe: look only. label: write labels. label+comment: also ask where nobody knows the outcome.",
        "write_by": "Another `write` for some entries of the scope: {PAY: label}.",
        "poll_every": "How often to look for changes; at least 1s.",
        "overlap": "How far each look reaches back behind the last one, for changes that the site shows late.",
        "census_every": "How often to look for what was deleted, moved away or hidden; at least 1m.",
        "dashboard": "An issue that an admin made for it: its one comment of syncd's holds counts and keys.",
        "in_flight": "How many requests at once while everything is read, 1 to 8; all heed the tracker's limits.",
        "token_expires": "The last day of the token, as 2027-03-01: told 30 days before, since no tracker tells it.",
        "webhook": "Accept the tracker's webhooks, signed with this secret.",
        "insecure": "Allow plain http:// over a network. Everybody on the way can read the token.",
    },
    "Auth": {
        "email": "The account's email address.",
        "token": "The account's API token: {env: NAME} or {file: PATH}. It never stands in this file.",
    },
    "Scope": {"projects": "The keys of the projects (Jira).", "teams": "The keys of the teams (Linear)."},
    "Dashboard": {"issue": "The key of an issue in the scope, made by an admin for that one comment."},
    "Webhook": {"secret": "What the tracker signs its webhooks with: {env: NAME} or {file: PATH}."},
    "Marks": {
        "outcome": "How labels of outcomes begin: outcome/reliability.",
        "alignment": "How the labels alignment/unmapped and alignment/conflict begin.",
        "groups": "What the label groups are called in Linear, where marks are labels in groups: Outcome/reliability.",
        "grace": "How long an issue must have been unmapped or torn before it is labelled so: time to finish typing.",
        "mail": "Whether to write where the tracker would mail people about it.",
    },
    "Groups": {
        "outcome": "The label group that holds the outcomes.",
        "alignment": "The label group that holds `unmapped` and `conflict`.",
    },
    "Comments": {
        "grace": "How long the verdict must have stood before its issue is commented on.",
        "backlog": "Whether issues are asked about that nobody created or changed lately.",
        "per_project_per_day": "At most so many comments in one project.",
        "per_person_per_day": "At most so many comments that notify one person.",
        "quiet_hours": 'When no comment is written: "18:00-08:00 Europe/Berlin".',
        "acted_within": "How long there is to act on a comment before it counts as one that nobody acted on.",
        "mute_after": "After so many comments of a rule in a row that nobody acted on, it stops; 0: never.",
    },
    "Commands": {"allow": "members of the site, owners of outcomes, off, or a list of email addresses."},
    "Limits": {
        "share": "A plan that touches more than this share of a tracker's issues waits for a person.",
        "actions": "A plan of more actions than this waits for a person.",
        "always": "A plan of at most so many actions never waits.",
    },
    "Http": {
        "listen": "Where health, metrics and webhooks are answered.",
        "webhooks": "A listener of their own for webhooks, on which nothing else answers.",
    },
    "Reports": {"directory": "The folder for reports, relative to the folder above the config folder."},
    "strategy.yaml": {
        "intent": "The strategy in one sentence that everybody remembers.",
        "outcomes": "Three to five measurable results that the strategy promises.",
        "overhead": "Work that has to be done and serves no outcome, declared with a budget.",
        "focus": "The one outcome that matters most for now.",
        **_ACCEPT,
    },
    "Outcome": {
        **_NAMED,
        **_TARGET,
        "review": "When somebody asks whether it still is the right one.",
        "allocation": "The share of all work that is meant for it. With all others and the budgets it makes 100%.",
        "objectives": "A level below: what single parts of the work have to reach.",
        **_DATED,
        **_ACCEPT,
    },
    "Objective": {
        **_NAMED,
        "id": "Small letters, digits and dashes. Rules name it with its outcome: reliability/failover.",
        **_TARGET,
        **_DATED,
        **_ACCEPT,
    },
    "Overhead": {**_NAMED, "budget": "The share of all work that it may take.", **_ACCEPT},
    "Metric": {
        "name": "What is measured.",
        "unit": 'In what: "%", days, …',
        "baseline": "The number at the start.",
        "target": "The number to reach.",
    },
    "Review": {"every": "How often: 90d.", "next": "The day of the next one."},
    "Focus": {"outcome": "The id of the outcome in focus.", "until": "The last day on which it is."},
    "rules.yaml": {"rules": "Which work serves which outcome. Their order means nothing."},
    "Rule": {
        "id": "Unique; reports and explanations name it.",
        "outcome": "What such work serves: the outcome's id, or outcome/objective. Else `overhead` or `exempt`.",
        "overhead": "The id of the overhead that such work is.",
        "exempt": "Why such work is out of scope, in your words.",
        "when": "The conditions: keys are AND, the values of a list are OR.",
        "priority": "Among rules that match, the highest wins (default 0); equals that disagree are a conflict.",
        "default": "Speak only where no other rule does, on the issue or on anything above it.",
        "match": "exact: compare texts as they are, without folding.",
        "owner": "Who answers for the rule; else the outcome's owner.",
        "from": "The first day (whole days in UTC) on which it matches.",
        "until": "The last one, included.",
        "examples": "Issues in few words, each with what is expected of this rule.",
        **_ACCEPT,
    },
    "Condition": {
        **_FIELDS,
        **_RELATED,
        "cel": "A CEL expression that is true, such as size(issue.label) > 3 (docs/reference-rules.md).",
        "any": "At least one of these conditions holds.",
        "all": "Each of these conditions holds.",
        "not": "The condition does not hold; of a list, none does.",
    },
    "Example": {
        **_FIELDS,
        **{key: f"An example's {key}, in the same keys." for key in _RELATED},
        "expect": "match or no match: what is expected of the rule.",
    },
}
"""By the mapping (a file's own keys by its name) and the key."""
