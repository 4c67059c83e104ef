"""What `syncd doctor` asks of a Jira Cloud site: the token, the clock, and for each project what the account may do.

Only what `syncd.yaml` asks for now is held to be wrong; what the next policy would need is told beforehand.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from connectors.jira.rights import BULK_RIGHT, RIGHTS, SILENCE_RIGHTS
from connectors.jira.transport import GATEWAY, Site
from syncd.core.checkup import Checkup, clock_checkup
from syncd.core.errors import Denied
from syncd.core.expiry import expiry_checkup
from syncd.core.plan import Write

_COMMENTING: Final = {
    "ADD_COMMENTS": "Add comments",
    "EDIT_OWN_COMMENTS": "Edit own comments",
    "DELETE_OWN_COMMENTS": "Delete own comments",
}  # fmt: skip


def examine(site: Site, wanted: Mapping[str, Write], *, mail: bool) -> Iterator[Checkup]:
    """Look at everything that `wanted` (project → policy) needs. Raises `Unavailable`, `Unreadable`."""
    try:
        me = site.myself()
    except Denied as denied:
        remedy = f"needed: {denied.need}. Tokens are made at id.atlassian.com, and put where `token` says"
        yield Checkup("token", ok=False, says=str(denied), remedy=remedy)
        return
    who = me.get("emailAddress") or me.get("displayName") or me.get("accountId")
    yield Checkup("token", ok=True, says=f"works, as {who}")
    yield _lifetime(site)
    yield clock_checkup(site.caller.skew)
    visible = site.projects(tuple(wanted))
    bulk = BULK_RIGHT in site.permissions(None, (BULK_RIGHT,))
    for project, policy in wanted.items():
        row = visible.get(project.casefold())
        if row is None:
            says, remedy = "not visible", f"grant {who} Browse projects in {project}, or take it out of `scope`"
            yield Checkup(f"{project}: read", ok=False, says=says, remedy=remedy)
            continue
        yield Checkup(f"{project}: read", ok=True, says=f"visible, as {row.get('name')}")
        yield from _writing(site.permissions(project, RIGHTS), project, policy, bulk=bulk, mail=mail)
        yield from _customers(row, project, policy)


def _lifetime(site: Site) -> Checkup:
    """Tokens made since December 2024 live a year at most, and no API tells when one ends (facts/jira.md §8)."""
    where = "a scoped token, at the gateway" if GATEWAY in site.url else "a token of the account"
    says = f"{where}: it lives a year at most, and Jira does not tell until when"
    return expiry_checkup(None, date.min, says)


def _writing(rights: frozenset[str], project: str, policy: Write, *, bulk: bool, mail: bool) -> Iterator[Checkup]:
    labels = f"{project}: labels"
    if "EDIT_ISSUES" not in rights:
        yield _lacking(labels, "Edit issues", project, needed=policy is not Write.OBSERVE)
    elif bulk or rights & set(SILENCE_RIGHTS) or mail:
        how = "in bulk" if bulk else "by an administrator's right" if rights & set(SILENCE_RIGHTS) else "with mail"
        silent = "" if how == "with mail" else ", without mail"
        yield Checkup(labels, ok=True, says=f"may be written {how}{silent}")
    else:
        need = (
            "Administer projects there, or Bulk change (a global permission), so that label edits do not mail watchers"
        )
        yield _lacking(labels, need, project, needed=policy is not Write.OBSERVE)
    missing = [name for right, name in _COMMENTING.items() if right not in rights]
    if missing:
        yield _lacking(f"{project}: comments", ", ".join(missing), project, needed=policy is Write.COMMENT)
    else:
        yield Checkup(f"{project}: comments", ok=True, says="may be written, edited and removed")


def _lacking(what: str, need: str, project: str, *, needed: bool) -> Checkup:
    if needed:
        return Checkup(what, ok=False, says=f"lacks {need}", remedy=f"grant it in {project}'s permission scheme")
    return Checkup(what, ok=None, says=f"would lack {need}", remedy="grant it before `write:` asks for more")


def _customers(row: Mapping[str, Any], project: str, policy: Write) -> Iterator[Checkup]:
    if row.get("projectTypeKey") == "service_desk" and policy is Write.COMMENT:
        says = "a service project: comments are internal, and read back to be sure"
        yield Checkup(f"{project}: customers", ok=None, says=says)
