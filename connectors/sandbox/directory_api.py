"""Who I am, what this server is, which projects, fields and labels it has."""

from typing import Any

from connectors.sandbox.answers import Answer, Call, JiraError
from connectors.sandbox.registry import EPIC_LINK
from connectors.sandbox.shapes import SELF, person_json
from connectors.sandbox.site import Site
from connectors.sandbox.values import Project

MOST_PROJECTS = 100
_GREENHOPPER = "com.pyxis.greenhopper.jira"
_CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes"

# id, name in the account's language, type, items
_SYSTEM_FIELDS: tuple[tuple[str, str, str, str | None], ...] = (
    ("summary", "Zusammenfassung", "string", None),
    ("issuetype", "Vorgangstyp", "issuetype", None),
    ("status", "Status", "status", None),
    ("statusCategory", "Statuskategorie", "statusCategory", None),
    ("priority", "Priorität", "priority", None),
    ("project", "Projekt", "project", None),
    ("labels", "Stichwörter", "array", "string"),
    ("components", "Komponenten", "array", "component"),
    ("fixVersions", "Lösungsversionen", "array", "version"),
    ("versions", "Betroffene Versionen", "array", "version"),
    ("parent", "Übergeordnetes Element", "issuelink", None),
    ("description", "Beschreibung", "string", None),
    ("assignee", "Zugewiesene Person", "user", None),
    ("reporter", "Autor", "user", None),
    ("creator", "Ersteller", "user", None),
    ("created", "Erstellt", "datetime", None),
    ("updated", "Aktualisiert", "datetime", None),
    ("resolution", "Lösung", "resolution", None),
    ("resolutiondate", "Erledigt", "datetime", None),
    ("duedate", "Fälligkeitsdatum", "date", None),
    ("environment", "Umgebung", "string", None),
    ("comment", "Kommentar", "comments-page", None),
    ("issuelinks", "Verknüpfte Vorgänge", "array", "issuelinks"),
    ("subtasks", "Unteraufgaben", "array", "issuelinks"),
    ("attachment", "Anhang", "array", "attachment"),
    ("watches", "Beobachter", "watches", None),
)
# The Epic Link among decoys: one of the same English name, the deprecated label and parent fields (facts §3).
_CUSTOM_FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("customfield_10008", "Epic Link", "string", f"{_CUSTOM}:textfield"),
    ("customfield_10011", "Epic-Name", "string", f"{_GREENHOPPER}:gh-epic-label"),
    ("customfield_10013", "Epic-Farbe", "string", f"{_GREENHOPPER}:gh-epic-color"),
    (EPIC_LINK, "Epic-Verknüpfung", "any", f"{_GREENHOPPER}:gh-epic-link"),
    ("customfield_10018", "Parent Link", "any", "com.atlassian.jpo:jpo-custom-field-parent"),
    ("customfield_10150", "Epic/Theme", "array", f"{_CUSTOM}:labels"),
)


def myself(site: Site, call: Call) -> Answer:
    """GET /myself: `timeZone` is the account's, and JQL literals are read in it (facts §2)."""
    actor = call.required_actor()
    shown = person_json(actor) or {}
    more = {"emailAddress": site.email, "timeZone": site.account_zone, "locale": "de_DE", "expand": "groups"}
    return Answer.of(shown | more)


def server_info(site: Site, _: Call) -> Answer:
    """GET /serverInfo: browse links are built from `baseUrl`, whatever address was asked."""
    return Answer.of(
        {
            "baseUrl": site.base_url,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_290,
            "serverTime": site.shapes.stamp(site.now()),
            "serverTimeZone": site.site_zone,
            "serverTitle": "Acme",
        }
    )


def _system_field(identity: str, name: str, kind: str, items: str | None) -> dict[str, Any]:
    schema = {"type": kind, "system": identity} | ({"items": items} if items else {})
    shown = {"id": identity, "key": identity, "name": name, "custom": False, "schema": schema}
    return shown | {"orderable": True, "navigable": True, "searchable": True, "clauseNames": [identity]}


def _custom_field(identity: str, name: str, kind: str, custom: str) -> dict[str, Any]:
    number = int(identity.rpartition("_")[2])
    schema: dict[str, Any] = {"type": kind, "custom": custom, "customId": number}
    if kind == "array":
        schema["items"] = "string"
    shown = {"id": identity, "key": identity, "name": name, "custom": True, "schema": schema}
    clauses = [f"cf[{number}]", name]
    return shown | {"orderable": True, "navigable": True, "searchable": True, "clauseNames": clauses}


def fields(site: Site, call: Call) -> Answer:
    """GET /field: unpaged; the system fields alone for nobody in particular."""
    shown = [_system_field(*field) for field in _SYSTEM_FIELDS]
    if call.actor:
        shown.extend(_custom_field(*field) for field in (*_CUSTOM_FIELDS, *site.registry.fields))
    for project in site.registry.projects.values():
        if call.actor and project.style == "next-gen":
            scoped = _custom_field(f"customfield_1{project.id}", "Epic Link", "string", f"{_CUSTOM}:textfield")
            shown.append(scoped | {"scope": {"type": "PROJECT", "project": {"id": project.id}}})
    return Answer.of(shown)


def _project(project: Project) -> dict[str, Any]:
    return {
        "self": f"{SELF}/project/{project.id}",
        "id": project.id,
        "key": project.key,
        "name": project.name,
        "style": project.style,
        "projectTypeKey": project.type_key,
        "simplified": project.style == "next-gen",
        "isPrivate": False,
    }


def project_search(site: Site, call: Call) -> Answer:
    """GET /project/search: those the account may browse, by key; unknown keys are simply not there."""
    start, limit = call.integer("startAt", 0), min(call.integer("maxResults", 50), MOST_PROJECTS)
    keys, type_keys = call.listed("keys"), call.listed("typeKey")
    found = [
        project
        for _, project in sorted(site.registry.projects.items())
        if call.actor
        and site.permissions.may_browse[project.key]
        and (keys is None or project.key in keys)
        and (type_keys is None or project.type_key in type_keys)
    ]
    if not found and keys and site.quirks.no_project_is_404:
        raise JiraError(404, "No projects matching the search criteria are found.")
    page = [_project(project) for project in found[start : start + limit]]
    answer = {"self": f"{SELF}/project/search", "startAt": start, "maxResults": limit, "total": len(found)}
    return Answer.of(answer | {"isLast": start + limit >= len(found), "values": page})


def labels(site: Site, call: Call) -> Answer:
    """GET /label: every label in use, each in the very case it was stored in."""
    start, limit = call.integer("startAt", 0), min(call.integer("maxResults", 1000), 1000)
    held = (issue.labels for issue in site.live.values() if call.actor)
    found = sorted({label for labels in held for label in labels})
    answer = {"startAt": start, "maxResults": limit, "total": len(found)}
    return Answer.of(answer | {"isLast": start + limit >= len(found), "values": found[start : start + limit]})


def my_permissions(site: Site, call: Call) -> Answer:
    """GET /mypermissions: which of the named permissions the account has, in a project where one is named."""
    call.required_actor()
    project = call.text("projectKey")
    named = call.listed("permissions")
    if not named:
        raise JiraError(400, "The permissions query parameter is required.")
    if project is not None and (project not in site.registry.projects or not site.permissions.may_browse[project]):
        raise JiraError(404, f"No project could be found with key '{project}'.")
    held = site.permissions
    rights = {
        "BROWSE_PROJECTS": held.may_browse,
        "EDIT_ISSUES": held.may_edit,
        "ADD_COMMENTS": held.may_comment,
        "EDIT_OWN_COMMENTS": held.may_comment,
        "DELETE_OWN_COMMENTS": held.may_comment,
        "ADMINISTER_PROJECTS": held.may_silence,
    }

    def row(name: str) -> dict[str, Any]:
        may = project is not None and name in rights and rights[name][project]
        may = held.may_bulk["*"] if name == "BULK_CHANGE" else may
        kind = "GLOBAL" if name in ("ADMINISTER", "BULK_CHANGE") else "PROJECT"
        return {"id": "0", "key": name, "name": name, "type": kind, "description": "", "havePermission": may}

    return Answer.of({"permissions": {name: row(name) for name in named}})
