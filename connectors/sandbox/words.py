"""Every word of the demo company, a payments platform. All of it made up here."""

from typing import NamedTuple

from connectors.sandbox.values import words


class Theme(NamedTuple):
    """A kind of work: how people label it, title it, and which components it touches.

    `labels` are those in use, the common ones first; `variants` the ways people miswrite them.
    """

    labels: tuple[str, ...]
    variants: tuple[str, ...]
    epic_labels: tuple[str, ...]
    components: tuple[str, ...]
    verbs: tuple[str, ...]
    things: tuple[str, ...]


RELIABILITY = Theme(
    labels=("sre", "reliability", "failover", "oncall", *(f"incident-{n}" for n in range(101, 125))),
    variants=("SRE", "sre,", "Reliability", "reliabilty", "Failover", "onCall", "Incident-107", "fail-over"),
    epic_labels=("resilience", "platform"),
    components=("Gateway", "Ledger", "Infrastructure"),
    verbs=("Survive", "Rehearse", "Alert on", "Remove single point of failure in", "Shorten recovery of"),
    things=(
        "the loss of one data centre",
        "card authorisation during failover",
        "ledger replica promotion",
        "the settlement queue when a broker restarts",
        "expired certificates towards acquirers",
        "slow disks under the booking journal",
        "the nightly cut-over of routing tables",
        "time-outs between gateway and scheme",
    ),
)
ONBOARDING = Theme(
    labels=("onboarding", "kyc", "go-live", "bank-nordlicht", "bank-talbach", "bank-meridian", "bank-ostsee"),
    variants=("KYC", "kyc.", "Onboarding", "on-boarding", "onbording", "GoLive", "Bank-Talbach", "bank_meridian"),
    epic_labels=("kyc", "bank-onboarding"),
    components=("KYC Portal", "Docs", "Gateway"),
    verbs=("Let a new bank", "Guide compliance officers to", "Check automatically that banks", "Shorten how banks"),
    things=(
        "upload company registers once",
        "sign the scheme agreement in the portal",
        "test their endpoints against our mirror",
        "see which document is still missing",
        "prove beneficial owners",
        "go live without a call to support",
        "rotate their keys by themselves",
    ),
)
FRAUD = Theme(
    labels=("fraud", "chargeback", "aml", "risk-score", "risk-appetite", "risk-limits"),
    variants=("Fraud", "FRAUD", "fraud,", "chargebacks", "charge-back", "AML", "Risk-Score", "fruad"),
    epic_labels=("fraud",),
    components=("Risk Engine", "Ledger"),
    verbs=("Score", "Stop", "Explain to merchants", "Replay", "Report on"),
    things=(
        "card testing from rented networks",
        "refunds that exceed the first payment",
        "mule accounts younger than a week",
        "disputed payments above the limit",
        "velocity rules of the last quarter",
        "false alarms on payroll days",
        "sanction list hits with similar names",
    ),
)
COST = Theme(
    labels=("cost", "finops", "perf"),
    variants=("Cost", "FinOps", "perf,", "performance", "costs", "PERF"),
    epic_labels=("cost",),
    components=("Infrastructure", "Ledger", "Gateway"),
    verbs=("Halve", "Measure", "Stop paying for", "Batch", "Cache"),
    things=(
        "storage of settled bookings",
        "calls to the currency service",
        "idle clusters at night",
        "scheme fees per small payment",
        "the log volume of the gateway",
        "report queries on the main database",
    ),
)
UPKEEP = Theme(
    labels=("maintenance", "deps", "chore"),
    variants=("Maintenance", "dependencies", "deps,", "Chore"),
    epic_labels=("maintenance",),
    components=("Infrastructure", "Docs"),
    verbs=("Upgrade", "Clean up", "Renew", "Move", "Tidy"),
    things=("the build images", "unused feature switches", "the wiki space", "library versions", "team calendars"),
)
PLAY = Theme(
    labels=("hackathon", "spike"),
    variants=("Hackathon", "spike,", "hack-a-thon"),
    epic_labels=(),
    components=("Docs",),
    verbs=("Try", "Sketch", "Find out about"),
    things=("passkeys for bank staff", "a graph of money flows", "voice alerts", "a smaller ledger"),
)
PLAIN = Theme(
    labels=(),
    variants=(),
    epic_labels=("roadmap", "q3-goals"),
    components=("Gateway", "Ledger", "Risk Engine", "KYC Portal", "Docs", "Infrastructure"),
    verbs=("Fix", "Add", "Change", "Show", "Clarify", "Support", "Rework"),
    things=(
        "the sorting of the payments list",
        "rounding in the monthly statement",
        "the export for the auditors",
        "time zones on receipts",
        "wording of the refusal letter",
        "filters on the merchant page",
        "the second signature on large transfers",
        "paging of the booking search",
        "the colour of overdue invoices",
        "keyboard short cuts in the back office",
    ),
)
OUTCOMES = (RELIABILITY, ONBOARDING, FRAUD, COST)

# Labels that say nothing about strategy: prefix families, versions, names of people's own filing systems.
NOISE = (
    "customer",
    "backend",
    "ui",
    "qe-verified",
    "release-4.2",
    "release-4.3",
    "supportTeam",
    "SupportTeam",
    "api",
    "needsInfo",
    "8",
    "3.2.0",
    "100%",
    "audit2025",
    "quick-win",
    "mobile",
    "regression",
    "docs",
    "@later",
    "qe-closed-3.2.0",
    "tech-debt",
    "design",
    "Q4",
    "merchant-portal",
)

STACK_TRACE = (
    "TypeError:",
    "Cannot",
    "read",
    "property",
    "'amount'",
    "of",
    "undefined",
    "at",
    "Ledger.book",
    "(/srv/ledger/src/booking/journal/writers/double-entry/strategies/default/book-with-retries.js:118:27)",
    "Object.<anonymous>",
    "(native)",
    "^",
    "process._tickCallback",
    "(node.js:355:11)",
    r"C:\ledger\journal.js",
    "EPIPE",
    "exit=1",
    "[object",
    "Object]",
)

PEOPLE = (
    ("maria", "Maria Keller"),
    ("jonas", "Jonas Brandt"),
    ("aiko", "Aiko Tanaka"),
    ("samuel", "Samuel Okafor"),
    ("lena", "Lena Vogt"),
    ("pierre", "Pierre Lambert"),
    ("noor", "Noor Haddad"),
    ("tomas", "Tomáš Novák"),
    ("ines", "Inês Duarte"),
    ("oleg", "Oleg Marchenko"),
    ("grace", "Grace Mwangi"),
    ("felix", "Felix Sommer"),
    ("yara", "Yara Costa"),
    ("henrik", "Henrik Dahl"),
    ("priya", "Priya Raman"),
    ("matteo", "Matteo Rinaldi"),
    ("sofie", "Sofie Jansen"),
    ("liam", "Liam Byrne"),
)
GONE = words("pierre oleg henrik")

COMMENTS = (
    "Seen again last night, logs are in the usual place.",
    "Can we agree on an owner before the next planning?",
    "Works for me on the test system, please check once more.",
    "The bank asks for a date.",
    "I split the work, see the sub-tasks.",
    "Reviewed. Two small remarks, otherwise fine.",
    "Merged, will be in the next release.",
    "Parked until the vendor answers.",
)
SENTENCES = (
    "Operators see this a few times a week and work around it by hand.",
    "The numbers are in the dashboard of the team.",
    "We promised an answer to the auditors.",
    "Nothing is lost, but the retry takes far too long.",
    "The present behaviour surprises everybody who sees it for the first time.",
    "Please keep the old interface for two releases.",
    "Measured on the test system with last month's traffic.",
    "Three banks have asked for it in the last quarter.",
    "A runbook exists and should become unnecessary.",
)
ODD_SUMMARIES = (
    "🚨 Gateway: doppelte Buchung bei Zeitüberschreitung 🚨",
    "決済ゲートウェイのタイムアウトを調査する",
    "故事 银行开户流程 — 第二阶段",
    "Ledger\u00a0balance\u00a0off by one cent",
    "\u200bZero width at the front of a summary",
    "Replacement \ufffd character in merchant names",
    "Vertical\x0btab and bell\x07 in a bank's file",
    "<b>Bold</b> & [link|https://bank.example] {code}x{code}",
    '=HYPERLINK("https://bank.example","report")',
    "@here please look | pipes | and `ticks`",
)
INITIATIVES = (
    ("Always on: two sites, one ledger", ("resilience",)),
    ("A bank live in ten days", ("bank-onboarding",)),
    ("Fraud losses below three basis points", ("fraud",)),
    ("A payment for half a cent", ("cost",)),
    ("Year of the auditors", ()),
    ("One company, one design", ()),
    ("Open the platform to partners", ("platform",)),
    ("Instant payments everywhere", ()),
)
