"""Every GraphQL document that syncd sends to Linear, hand-written. Nothing else is ever sent.

Each stands with its page size, so that tests can hold it against the official schema and price it by the documented
rule: a scalar costs 0.1, an object 1, a connection multiplies what is below it (`pageInfo` too) by `first`, and by 50
where that is missing; a query may cost 10,000, ours stay below a third of it (facts/linear.md §2).

Newest first is the only order that Linear knows; `includeArchived` is false where it is not said (§3).
"""

from dataclasses import dataclass
from typing import Final

MOST_AT_ONCE: Final = 250
"""The most that Linear gives in one page (facts/linear.md §3)."""


@dataclass(frozen=True, slots=True)
class Document:
    """One operation. `roots` are the keys of its answer, in the order in which they are executed.

    A root may be left out by a variable of its own name (`@include(if: $projects)`).
    """

    name: str
    text: str
    roots: tuple[str, ...]
    page: int = 0
    """Nodes in a full page of each root; 0: no pages."""
    writes: bool = False


_PAGE = "pageInfo { hasNextPage endCursor }"

# --- who we are, and which teams we see ----------------------------------------------------------------------

LOOK: Final = Document(
    "Look",
    f"""query Look($teams: [String!]!, $after: String) {{
  viewer {{ id name email }}
  teams(first: 100, after: $after, filter: {{key: {{in: $teams}}}}) {{
    nodes {{ id key name visibility }}
    {_PAGE}
  }}
}}""",
    roots=("viewer", "teams"),
    page=100,
)

# --- issues --------------------------------------------------------------------------------------------------

_PERSON = "id name guest app"

ISSUES_AT_ONCE: Final = 125

_ISSUE = f"""id identifier title priority labelIds url createdAt updatedAt archivedAt trashed
      state {{ name type }}
      team {{ key name visibility }}
      parent {{ id identifier }}
      project {{ id name slugId }}
      assignee {{ {_PERSON} }}
      creator {{ {_PERSON} }}
      botActor {{ id name }}
      externalUserCreator {{ id name }}
      cycle @include(if: $sprint) {{ name number }}
      syncedWith {{ service metadata {{ ... on ExternalEntityInfoJiraMetadata {{ issueKey }} }} }}
      copies: attachments(first: 2, filter: {{url: {{startsWith: "syncd://"}}}}) {{ nodes {{ url metadata }} }}
      links: attachments(first: 3, filter: {{url: {{contains: "/browse/"}}}}) {{ nodes {{ url }} }}"""

ISSUES: Final = Document(
    "Issues",
    f"""query Issues($filter: IssueFilter!, $after: String, $sprint: Boolean!) {{
  issues(first: {ISSUES_AT_ONCE}, after: $after, orderBy: updatedAt, includeArchived: true, filter: $filter) {{
    nodes {{
      {_ISSUE}
    }}
    {_PAGE}
  }}
}}""",
    roots=("issues",),
    page=ISSUES_AT_ONCE,
)
"""Whatever a filter selects: changed since, by id, by label. Ids that do not exist are left out in silence (§3)."""

ISSUE_BY_KEY: Final = Document(
    "IssueByKey",
    f"""query IssueByKey($key: String!, $sprint: Boolean!) {{
  issue(id: $key) {{
      {_ISSUE}
  }}
}}""",
    roots=("issue",),
)
"""One issue by a key that it may no longer bear: old ones still resolve here, and in no filter (§5)."""

ISSUE_IDS: Final = Document(
    "IssueIds",
    f"""query IssueIds($filter: IssueFilter!, $after: String) {{
  issues(first: {ISSUES_AT_ONCE}, after: $after, orderBy: updatedAt, includeArchived: true, filter: $filter) {{
    nodes {{ id identifier }}
    {_PAGE}
  }}
}}""",
    roots=("issues",),
    page=ISSUES_AT_ONCE,
)
"""A page of `ISSUES` by its ids alone, for when one issue in it cannot be answered and takes the page with it."""

MOVED: Final = Document(
    "Moved",
    f"""query Moved($filter: IssueFilter!, $after: String) {{
  issues(first: {MOST_AT_ONCE}, after: $after, orderBy: updatedAt, includeArchived: true, filter: $filter) {{
    nodes {{ id identifier previousIdentifiers }}
    {_PAGE}
  }}
}}""",
    roots=("issues",),
    page=MOST_AT_ONCE,
)
"""What changed in other teams: of these, the ones that once were of a team in scope have left it."""

CENSUS: Final = Document(
    "Census",
    f"""query Census($filter: IssueFilter!, $after: String) {{
  issues(first: {MOST_AT_ONCE}, after: $after, orderBy: createdAt, filter: $filter) {{
    nodes {{ id identifier parent {{ id }} }}
    {_PAGE}
  }}
}}""",
    roots=("issues",),
    page=MOST_AT_ONCE,
)
"""Every issue by id, key and parent, archived ones left out. By creation: that order stands while it is walked."""

HISTORIES_AT_ONCE: Final = 10

_ENTRY = f"createdAt addedLabelIds removedLabelIds fromParentId toParentId actor {{ {_PERSON} }} botActor {{ id name }}"

HISTORIES: Final = Document(
    "Histories",
    f"""query Histories($ids: [ID!]!) {{
  issues(first: {HISTORIES_AT_ONCE}, includeArchived: true, filter: {{id: {{in: $ids}}}}) {{
    nodes {{
      id
      history(first: 50) {{
        nodes {{ {_ENTRY} }}
        {_PAGE}
      }}
    }}
  }}
}}""",
    roots=("issues",),
    page=HISTORIES_AT_ONCE,
)

HISTORY: Final = Document(
    "History",
    f"""query History($id: String!, $after: String) {{
  issue(id: $id) {{
    id
    history(first: {MOST_AT_ONCE}, after: $after) {{
      nodes {{ {_ENTRY} }}
      {_PAGE}
    }}
  }}
}}""",
    roots=("issue",),
    page=MOST_AT_ONCE,
)
"""The rest of one issue's history, where the first fifty entries were not all."""

BIRTHS: Final = Document(
    "Births",
    f"""query Births($ids: [ID!]!) {{
  issues(first: {MOST_AT_ONCE}, includeArchived: true, filter: {{id: {{in: $ids}}}}) {{
    nodes {{
      id createdAt
      creator {{ {_PERSON} }}
      botActor {{ id name }}
      externalUserCreator {{ id name }}
    }}
  }}
}}""",
    roots=("issues",),
    page=MOST_AT_ONCE,
)
"""Who made them, and when. Linear keeps no tie between an issue and its copy."""

# --- what changes without any issue changing: read whole each cycle (facts/linear.md §6) ----------------------

LABELS: Final = Document(
    "Labels",
    f"""query Labels($issueLabelsAfter: String) {{
  issueLabels(first: {MOST_AT_ONCE}, after: $issueLabelsAfter, includeArchived: true) {{
    nodes {{ id name description isGroup archivedAt parent {{ id }} team {{ id key }} }}
    {_PAGE}
  }}
}}""",
    roots=("issueLabels",),
    page=MOST_AT_ONCE,
)
"""The catalogue of issue labels, those of the workspace and of all teams."""

NODE_LABELS: Final = Document(
    "NodeLabels",
    f"""query NodeLabels(
  $projectLabelsAfter: String, $projectLabels: Boolean!, $initiativeLabelsAfter: String, $initiativeLabels: Boolean!
) {{
  projectLabels(first: {MOST_AT_ONCE}, after: $projectLabelsAfter, includeArchived: true)
    @include(if: $projectLabels) {{
    nodes {{ id name parent {{ id }} }}
    {_PAGE}
  }}
  initiativeLabels(first: {MOST_AT_ONCE}, after: $initiativeLabelsAfter, includeArchived: true)
    @include(if: $initiativeLabels) {{
    nodes {{ id name parent {{ id }} }}
    {_PAGE}
  }}
}}""",
    roots=("projectLabels", "initiativeLabels"),
    page=MOST_AT_ONCE,
)
"""Labels of projects and of initiatives: catalogues of their own, which share no ids with the labels of issues."""

PROJECTS: Final = Document(
    "Projects",
    f"""query Projects($projectsAfter: String) {{
  projects(first: {MOST_AT_ONCE}, after: $projectsAfter, includeArchived: true) {{
    nodes {{
      id name slugId labelIds priority url createdAt updatedAt archivedAt trashed
      status {{ name type }}
      lead {{ {_PERSON} }}
      teams(first: 3) {{ nodes {{ visibility }} }}
    }}
    {_PAGE}
  }}
}}""",
    roots=("projects",),
    page=MOST_AT_ONCE,
)

INITIATIVES: Final = Document(
    "Initiatives",
    f"""query Initiatives(
  $initiativesAfter: String, $initiatives: Boolean!, $initiativeToProjectsAfter: String, $initiativeToProjects: Boolean!
) {{
  initiatives(first: {MOST_AT_ONCE}, after: $initiativesAfter, includeArchived: true) @include(if: $initiatives) {{
    nodes {{
      id name slugId labelIds url createdAt updatedAt archivedAt trashed status
      owner {{ {_PERSON} }}
      parentInitiative {{ id }}
    }}
    {_PAGE}
  }}
  initiativeToProjects(first: {MOST_AT_ONCE}, after: $initiativeToProjectsAfter)
    @include(if: $initiativeToProjects) {{
    nodes {{ initiative {{ id }} project {{ id }} }}
    {_PAGE}
  }}
}}""",
    roots=("initiatives", "initiativeToProjects"),
    page=MOST_AT_ONCE,
)
"""Initiatives, and which projects lie in which: one request for both, so that rows and joins are of one moment."""

COMMENTS_AT_ONCE: Final = 100

COMMENTS: Final = Document(
    "Comments",
    f"""query Comments($filter: CommentFilter!, $after: String) {{
  comments(first: {COMMENTS_AT_ONCE}, after: $after, orderBy: updatedAt, filter: $filter) {{
    nodes {{
      id body createdAt updatedAt editedAt
      issue {{ id }}
      user {{ {_PERSON} email }}
      botActor {{ id name }}
      externalUser {{ id name }}
    }}
    {_PAGE}
  }}
}}""",
    roots=("comments",),
    page=COMMENTS_AT_ONCE,
)
"""Comments changed since, or by id: making one changes no issue, and deleting one shows in no stream (§5, §6)."""

OWN_COMMENTS: Final = Document(
    "OwnComments",
    f"""query OwnComments($ids: [ID!]!, $after: String) {{
  comments(
    first: {MOST_AT_ONCE}, after: $after, orderBy: createdAt, includeArchived: true
    filter: {{issue: {{id: {{in: $ids}}}}, user: {{isMe: {{eq: true}}}}}}
  ) {{
    nodes {{ id createdAt issue {{ id }} }}
    {_PAGE}
  }}
}}""",
    roots=("comments",),
    page=MOST_AT_ONCE,
)
"""What this account said on some issues: their ids tell which of it syncd wrote."""

READS: Final = (
    LOOK, ISSUES, ISSUE_BY_KEY, ISSUE_IDS, MOVED, CENSUS, HISTORIES, HISTORY, BIRTHS, LABELS, NODE_LABELS,
    PROJECTS, INITIATIVES, COMMENTS, OWN_COMMENTS,
)  # fmt: skip
"""All that the reader sends."""

# --- what the writer looks at ------------------------------------------------------------------------------

MARKS_AT_ONCE: Final = 50
"""How many issues one issueBatchUpdate takes (facts/linear.md §5)."""

OUR_LABELS: Final = Document(
    "OurLabels",
    f"""query OurLabels($after: String) {{
  issueLabels(first: {MOST_AT_ONCE}, after: $after, includeArchived: true, filter: {{team: {{null: true}}}}) {{
    nodes {{ id name description isGroup archivedAt retiredAt parent {{ id }} }}
    {_PAGE}
  }}
}}""",
    roots=("issueLabels",),
    page=MOST_AT_ONCE,
)
"""The workspace's labels, retired and deleted ones too: among them stand syncd's own, and ids that are spent."""

BORNE: Final = Document(
    "Borne",
    """query Borne($label: ID!) {
  issues(first: 1, includeArchived: true, filter: {labels: {some: {id: {eq: $label}}}}) { nodes { id } }
}""",
    roots=("issues",),
    page=1,
)
"""Whether any issue bears a label, archived ones too."""

MARKED: Final = Document(
    "Marked",
    f"""query Marked($ids: [ID!]!, $url: String!) {{
  issues(first: {MARKS_AT_ONCE}, includeArchived: true, filter: {{id: {{in: $ids}}}}) {{
    nodes {{
      id archivedAt trashed labelIds
      attachments(first: 1, filter: {{url: {{eq: $url}}}}) {{ nodes {{ id url metadata }} }}
    }}
  }}
}}""",
    roots=("issues",),
    page=MARKS_AT_ONCE,
)
"""What a write of marks leaves, and whether the issue can be written at all."""

COMMENTED: Final = Document(
    "Commented",
    f"""query Commented($ids: [ID!]!) {{
  comments(first: {MARKS_AT_ONCE}, filter: {{id: {{in: $ids}}}}) {{ nodes {{ id body issue {{ id }} }} }}
}}""",
    roots=("comments",),
    page=MARKS_AT_ONCE,
)

WRITER_READS: Final = (OUR_LABELS, BORNE, MARKED, COMMENTED)
"""All that the writer asks."""

# --- writes -------------------------------------------------------------------------------------------------

LABEL_CREATE: Final = Document(
    "LabelCreate",
    """mutation LabelCreate($input: IssueLabelCreateInput!) {
  issueLabelCreate(input: $input) { success issueLabel { id } }
}""",
    roots=("issueLabelCreate",),
    writes=True,
)

LABEL_RESTORE: Final = Document(
    "LabelRestore",
    "mutation LabelRestore($id: String!) { issueLabelRestore(id: $id) { success } }",
    roots=("issueLabelRestore",),
    writes=True,
)

LABEL_DELETE: Final = Document(
    "LabelDelete",
    "mutation LabelDelete($id: String!) { issueLabelDelete(id: $id) { success } }",
    roots=("issueLabelDelete",),
    writes=True,
)

COMMENT_CREATE: Final = Document(
    "CommentCreate",
    """mutation CommentCreate($input: CommentCreateInput!) {
  commentCreate(input: $input) { success comment { id } }
}""",
    roots=("commentCreate",),
    writes=True,
)

COMMENT_UPDATE: Final = Document(
    "CommentUpdate",
    """mutation CommentUpdate($id: String!, $input: CommentUpdateInput!) {
  commentUpdate(id: $id, input: $input) { success comment { id } }
}""",
    roots=("commentUpdate",),
    writes=True,
)

COMMENT_DELETE: Final = Document(
    "CommentDelete",
    "mutation CommentDelete($id: String!) { commentDelete(id: $id) { success } }",
    roots=("commentDelete",),
    writes=True,
)

WRITES: Final = (LABEL_CREATE, LABEL_RESTORE, LABEL_DELETE, COMMENT_CREATE, COMMENT_UPDATE, COMMENT_DELETE)
"""All that the writer sends, beside what `marking` makes."""


def marking(issues: int, *, copies: int, dropped: int) -> Document:
    """Marks on that many issues and the copies that travel with them, in one request.

    The labels come first: what fails there was surely done nowhere. `$c0…` are copies to write, `$d0…` the ids of
    copies to delete.
    """
    one = issues == 1
    made, gone = [f"c{n}" for n in range(copies)], [f"d{n}" for n in range(dropped)]
    name = f"Mark{issues}With{copies}And{dropped}"
    taken = ["$id: String!" if one else "$ids: [UUID!]!", "$input: IssueUpdateInput!"]
    taken += [f"${c}: AttachmentCreateInput!" for c in made] + [f"${d}: String!" for d in gone]
    marks = (
        "issueUpdate(id: $id, input: $input) { success issue { id labelIds } }"
        if one
        else "issueBatchUpdate(ids: $ids, input: $input) { success issues { id labelIds } }"
    )
    lines = [
        f"mutation {name}({', '.join(taken)}) {{",
        f"  {marks}",
        *(f"  {c}: attachmentCreate(input: ${c}) {{ success }}" for c in made),
        *(f"  {d}: attachmentDelete(id: ${d}) {{ success }}" for d in gone),
        "}",
    ]
    first = "issueUpdate" if one else "issueBatchUpdate"
    return Document(name, "\n".join(lines), roots=(first, *made, *gone), writes=True)
