"""Every table, in the words of the design. Migrations make them; a test holds the two together."""

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData, Table

from syncd.store.columns import Duration, Flag, Instant, Json, Name, Serial, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = Table(
    "meta",
    metadata,
    Column(
        "name", Name, primary_key=True
    ),  # instance, created, rulebook (the version kept last), adopted/<id of a store taken over>, rest/<tracker>
    Column("value", Words, nullable=False),
)

trackers = Table(
    "trackers",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("watermark", Instant),
    Column("first_complete", Instant),
    Column("last_attempt", Instant),
    Column("last_success", Instant),
    Column("why", Words),
    Column("scope", Json, nullable=False),
    Column("complete_scope", Json, nullable=False),
    Column("fields", Json, nullable=False, server_default="[]"),
    Column("rules_key", Name),
    Column("plan_key", Name),
    Column("skew", Duration, nullable=False),
    Column("memory", Words),
    Column("sure", Instant),
    Column("lag", Duration),
    Column("lag_seen", Instant),
)

issues = Table(
    "issues",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("folded_key", Name, nullable=False),
    Column("project", Words, nullable=False),
    Column("parent_id", Name),
    Column("parent_key", Name),  # folded, and only where the tracker told no id
    Column("updated", Instant, nullable=False),
    Column("closed", Flag, nullable=False),
    Column("in_scope", Flag, nullable=False),
    Column("snapshot", Json, nullable=False),
)
Index("ix_issues_folded_key", issues.c.folded_key)
_has_parent_id, _has_parent_key = issues.c.parent_id.is_not(None), issues.c.parent_key.is_not(None)
Index(
    "ix_issues_parent_id",
    issues.c.parent_id,
    issues.c.tracker,
    sqlite_where=_has_parent_id,
    postgresql_where=_has_parent_id,
)
Index(
    "ix_issues_parent_key",
    issues.c.parent_key,
    issues.c.tracker,
    sqlite_where=_has_parent_key,
    postgresql_where=_has_parent_key,
)
outside_scope = issues.c.in_scope.is_(False)
Index("ix_issues_outside", issues.c.tracker, sqlite_where=outside_scope, postgresql_where=outside_scope)

issue_values = Table(
    "issue_values",  # by which the issues that a rule edit can touch are found (syncd.core.bearing)
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("field", Name, primary_key=True),
    Column("value", Words, primary_key=True),  # folded
    Column("id", Name, primary_key=True),
    sqlite_with_rowid=False,
)

lies_within = Table(
    "lies_within",  # what lies in which node above, besides its parent; both in `issues`, or above in `loose_links`
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("above_id", Name, primary_key=True),  # "" where only the key is known
    Column("above_key", Name, primary_key=True),  # folded, and only where the tracker told no id; else ""
    Column("id", Name, primary_key=True),
    sqlite_with_rowid=False,
)

told_twins = Table(
    "told_twins",  # which issues tell of a twin that may bear that key (syncd.core.twins)
    metadata,
    Column("folded_key", Name, primary_key=True),
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Index("ix_told_twins_tracker_id", "tracker", "id"),
    sqlite_with_rowid=False,
)

left_scope = Table(
    "left_scope",  # issues taken out of scope one by one
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("why", Words, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

former_keys = Table(
    "former_keys",  # the current one stands in `issues`
    metadata,
    Column("folded_key", Name, primary_key=True),
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("until", Instant, nullable=False),
    ForeignKeyConstraint(["tracker", "id"], ["issues.tracker", "issues.id"]),
    sqlite_with_rowid=False,
)

loose_links = Table(
    "loose_links",  # parents of which there is no snapshot
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),  # "" where only the key is known
    Column("folded_key", Name, primary_key=True),  # "" where only the id is known
    Column("key", Words, nullable=False),
    Column("missing", Instant),  # since when it answers nothing; NULL: never read yet
    sqlite_with_rowid=False,
)

set_aside = Table(
    "set_aside",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("folded_key", Name, primary_key=True),
    Column("key", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

rulebooks = Table(
    "rulebooks",
    metadata,
    Column("version", Name, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("sources", Json, nullable=False),
)

rulebook_log = Table(
    "rulebook_log",
    metadata,
    Column("n", Serial, primary_key=True),
    Column("version", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("author", Words),
    Column("commit_id", Name),
)

standings = Table(
    "standings",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("kind", Name, nullable=False),
    Column("outcome", Name),
    Column("decision", Json, nullable=False),
    Column("since", Instant, nullable=False),
    Column("origin", Name, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("version", Name, nullable=False),
    Column("cause", Name),  # a hash of what a conflict comes from
    Column("diverges", Name),  # the key of the ancestor that it is mapped otherwise than
    sqlite_with_rowid=False,
)
_caused, _diverges = standings.c.cause.is_not(None), standings.c.diverges.is_not(None)
Index("ix_standings_cause", standings.c.tracker, standings.c.cause, sqlite_where=_caused, postgresql_where=_caused)
Index(
    "ix_standings_diverges",
    standings.c.tracker,
    standings.c.diverges,
    sqlite_where=_diverges,
    postgresql_where=_diverges,
)

history = Table(
    "history",
    metadata,
    Column("n", Serial, primary_key=True),
    Column("tracker", Name, nullable=False),
    Column("id", Name, nullable=False),
    Column("at", Instant, nullable=False),
    Column("decision", Json, nullable=False),
    Column("origin", Name),  # whose doing it was (syncd.core.model.Origin); NULL: from before that was kept
    Index("ix_history_tracker_id", "tracker", "id"),
)

applied = Table(
    "applied",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("mark", Words),
    Column("revision", Integer, nullable=False),
    Column("applied", Json, nullable=False),
    sqlite_with_rowid=False,
)

overrides = Table(
    "overrides",
    metadata,
    Column("n", Serial, primary_key=True),
    Column("tracker", Name, nullable=False),
    Column("id", Name, nullable=False),
    Column("override", Json, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("expires", Instant),
    Column("unheard", Instant),  # begun or ended by a command since then, and no pass has decided with that yet
    Index("ix_overrides_tracker_id", "tracker", "id"),
)
_ends = overrides.c.ended.is_(None) & overrides.c.expires.is_not(None)
Index(
    "ix_overrides_expires",
    overrides.c.tracker,
    overrides.c.expires,
    sqlite_where=_ends,
    postgresql_where=_ends,
)
_unheard = overrides.c.unheard.is_not(None)
Index("ix_overrides_unheard", overrides.c.tracker, sqlite_where=_unheard, postgresql_where=_unheard)

tradeoffs = Table(
    "tradeoffs",  # people's words on what conflicts come from
    metadata,
    Column("n", Serial, primary_key=True),
    Column("cause", Name, nullable=False),  # a hash of it
    Column("tracker", Name, nullable=False),  # "" where it holds in every tracker
    Column("tradeoff", Json, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
)

holds = Table(
    "holds",  # where `syncd withdraw` was, until an `apply --plan`
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("project", Name, primary_key=True),  # "" where it is the whole tracker, or one issue
    Column("id", Name, primary_key=True),  # "" where it is not one issue
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

findings = Table(
    "findings",
    metadata,
    Column("n", Serial, primary_key=True),
    Column("tracker", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("cause", Words, nullable=False),  # a hash of it: causes may be longer than an index entry can be
    Column("finding", Json, nullable=False),
    Column("opened", Instant, nullable=False),
    Column("closed", Instant),
    Column("issue", Name),  # the id of the issue it is about, if it closes with a look at that issue
)
_open = findings.c.closed.is_(None)
Index(
    "uq_findings_open",
    findings.c.tracker,
    findings.c.kind,
    findings.c.cause,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)

_about = _open & findings.c.issue.is_not(None)
Index("ix_findings_issue", findings.c.tracker, findings.c.issue, sqlite_where=_about, postgresql_where=_about)

plans = Table(
    "plans",
    metadata,
    Column("digest", Name, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("trackers", Json, nullable=False),
    Column("plan", Json, nullable=False),
    Column("refusals", Json, nullable=False),
    Column("settled", Instant),
)

waiting = Table(
    "waiting",  # the newest refused plan of each tracker
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("digest", Name, ForeignKey("plans.digest"), nullable=False),
    Column("at", Instant, nullable=False),
)

plan_states = Table(
    "plan_states",  # of issues in scope; no row: settled, and nothing held back
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("unsettled", Flag, nullable=False),
    Column("held", Words),
    sqlite_with_rowid=False,
)

_unsettled = plan_states.c.unsettled.is_(True)
Index(
    "ix_plan_states_unsettled",
    plan_states.c.tracker,
    plan_states.c.unsettled,  # names the flag again: SQLite would walk the primary key otherwise
    sqlite_where=_unsettled,
    postgresql_where=_unsettled,
)

held_counts = Table(
    "held_counts",  # how many rows of plan_states hold an issue for each reason: a poll asks it every time
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("held", Words, primary_key=True),
    Column("issues", Integer, nullable=False),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("n", Serial, primary_key=True),  # the order of commit
    Column("key", Words, nullable=False, unique=True),
    Column("tracker", Name, nullable=False),
    Column("id", Name, nullable=False),
    Column("action", Json, nullable=False),
    Column("state", Name, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer),  # of the lease under which it was last begun
    Column("note", Words, nullable=False),
    Column("committed", Instant, nullable=False),
    Column("moved", Instant, nullable=False),
    Column("receipt_at", Instant),
    Column("comment_id", Words),
    Index("ix_outbox_tracker_state_n", "tracker", "state", "n"),
)

leases = Table(
    "leases",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("holder", Words),
    Column("fence", Integer, nullable=False),
    Column("expires", Instant),
)

censuses = Table(
    "censuses",  # the one under way, and when the last one ended
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("began", Instant),  # NULL: none is under way
    Column("scope", Json, nullable=False),
    Column("after", Words, nullable=False),
    Column("walked", Flag, nullable=False),
    Column("last", Instant),
    Column("tried", Instant),
    Column("why", Words),
    Column("sound", Instant),
)

census_ids = Table(
    "census_ids",  # what the census under way has met
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    sqlite_with_rowid=False,
)

backfills = Table(
    "backfills",  # whole readings under way
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("began", Instant, nullable=False),
    Column("read_to", Instant, nullable=False),  # the tracker's clock when it began
    Column("scope", Json, nullable=False),
    Column("fields", Json, nullable=False),
)

backfill_parts = Table(
    "backfill_parts",
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("name", Words, nullable=False),  # the reader's own
    Column("size", Integer),  # as the tracker estimates it
    Column("after", Words, nullable=False),
    Column("read", Integer, nullable=False),
    Column("done", Flag, nullable=False),
    sqlite_with_rowid=False,
)

executors = Table(
    "executors",  # the daemon's processes (syncd.core.running)
    metadata,
    Column("name", Name, primary_key=True),
    Column("token", Name, nullable=False),
    Column("started", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("beats", Integer, nullable=False),
    Column("figures", Json, nullable=False),
)

attempts = Table(
    "attempts",  # the daemon's last piece of work of each kind for each tracker
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("cycle", Name, nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("failures", Integer, nullable=False),
    Column("not_before", Instant),
    Column("why", Words),
    Column("facts", Json, nullable=False),
)

listenings = Table(
    "listenings",  # how far comments have been read
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("heard_to", Instant),  # the tracker's clock
    Column("checked", Instant),  # ours
    sqlite_with_rowid=False,
)

said = Table(
    "said",  # comments that hold commands, as last read
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("comment", Name, primary_key=True),
    Column("id", Name, nullable=False),  # the issue's
    Column("at", Instant, nullable=False),
    Column("said", Json, nullable=False),
    Index("ix_said_tracker_id", "tracker", "id"),
    sqlite_with_rowid=False,
)

votes = Table(
    "votes",  # people's words against rules; `source` names what they said it by: a comment's id, a mark
    metadata,
    Column("tracker", Name, primary_key=True),
    Column("id", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("source", Name, primary_key=True),
    Column("rule", Name, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("vote", Json, nullable=False),
    Index("ix_votes_rule", "rule"),
    sqlite_with_rowid=False,
)

notices = Table(
    "notices",  # writes that told people something
    metadata,
    Column("entry", Name, primary_key=True),  # the outbox entry's key
    Column("tracker", Name, nullable=False),
    Column("at", Instant, nullable=False),  # the tracker's clock
    Column("notice", Json, nullable=False),
    Index("ix_notices_at", "at"),
    sqlite_with_rowid=False,
)
