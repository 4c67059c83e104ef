"""Checks exchanges with a Jira Cloud against Atlassian's own OpenAPI document.

    document = OpenApiDocument(shared / "contracts" / "jira-cloud-openapi.json")
    with document.watching(site):          # every exchange from here on; problems are raised at the end
        ...

`request_problems` says what the asking side did wrong, `answer_problems` what the answering side did.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from connectors.sandbox import Exchange, Site

BASE = "urn:jira-cloud"
MOST_PROBLEMS = 20
# Statuses that the document leaves out everywhere, though Jira Cloud gives them: bad credentials, a wrong method,
# the removed search, a wrong content type, the rate limits.
EVERYWHERE = frozenset({401, 405, 410, 415, 429})
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
_INTEGER = re.compile(r"[+-]?\d+")

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _is_jira_stamp(value: object) -> bool:
    """Jira's own form of an instant: milliseconds, an offset without colon (which RFC 3339 would refuse)."""
    return not isinstance(value, str) or bool(_STAMP.fullmatch(value))


@FORMATS.checks("uri")
def _is_absolute(value: object) -> bool:
    return not isinstance(value, str) or value.startswith("https://")


@FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@dataclass(frozen=True)
class Operation:
    """One method of one path template, with what the document says about it."""

    template: str
    told: Mapping[str, Any]
    schema_at: Callable[[Mapping[str, Any]], Draft4Validator]

    @cached_property
    def query(self) -> dict[str, dict[str, Any]]:
        """Query parameters: name → its schema."""
        return {p["name"]: p["schema"] for p in self.told.get("parameters", []) if p["in"] == "query"}

    @cached_property
    def body(self) -> Draft4Validator | None:
        """What a request's body must be; None where the operation takes none."""
        content = self.told.get("requestBody", {}).get("content", {})
        return self.schema_at(content["application/json"]["schema"]) if "application/json" in content else None

    @cached_property
    def answers(self) -> dict[int, Draft4Validator | None]:
        """Documented statuses, with the body's schema where there is one."""
        found: dict[int, Draft4Validator | None] = {}
        for status, answer in self.told["responses"].items():
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            found[int(status)] = self.schema_at(schema) if schema else None
        return found


@dataclass
class Watch:
    """What was seen while watching a site."""

    seen: int = 0
    problems: list[str] = field(default_factory=list)


class OpenApiDocument:
    """The document, with its schemas compiled on first use."""

    def __init__(self, path: Path) -> None:
        self.told = _draft4(orjson.loads(path.read_bytes()))
        self.told["components"]["schemas"]["JsonNode"] = {}  # any JSON: it lists the getters of a Java class instead
        resource = Resource.from_contents({"components": self.told["components"]}, default_specification=DRAFT4)
        self.registry: Registry[Any] = Registry().with_resource(BASE, resource)
        self.operations: dict[tuple[str, int], list[Operation]] = {}
        self._found: dict[tuple[str, str], Operation | None] = {}
        for template, methods in self.told["paths"].items():
            for method, told in methods.items():
                at = (method.upper(), template.count("/"))
                self.operations.setdefault(at, []).append(Operation(template, told, self._validator))
        for operations in self.operations.values():
            operations.sort(key=lambda operation: operation.template.count("{"))
        self.errors = self._validator({"$ref": "#/components/schemas/ErrorCollection"})

    def _validator(self, schema: Mapping[str, Any]) -> Draft4Validator:
        absolute = orjson.loads(orjson.dumps(schema).replace(b'"#/components', f'"{BASE}#/components'.encode()))
        return Draft4Validator(absolute, registry=self.registry, format_checker=FORMATS)

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation that a path belongs to; the template with the fewest holes wins."""
        candidates = self.operations.get((method, path.count("/")), [])
        return next((one for one in candidates if _fits(one.template, path)), None)

    def request_problems(self, exchange: Exchange) -> list[str]:
        """What is wrong with the request: unknown path, unknown or ill-typed parameter, a body out of shape."""
        operation = self.operation(exchange.method, exchange.path)
        if operation is None:
            return [f"{exchange.method} {exchange.path}: not in the document"]
        problems = _query_problems(operation, exchange.query)
        problems += self._body_problems(operation, exchange)
        return [f"{exchange.method} {operation.template}: request: {problem}" for problem in problems]

    @staticmethod
    def _body_problems(operation: Operation, exchange: Exchange) -> list[str]:
        if operation.body is None:
            return ["a body where none is taken"] if exchange.request_body else []
        if not exchange.request_body:
            return ["no body"]
        if not exchange.request_headers.get("content-type", "").startswith("application/json"):
            return [f"content type {exchange.request_headers.get('content-type')!r}"]
        return _violations(operation.body, exchange.request_body)

    def answer_problems(self, exchange: Exchange) -> list[str]:
        """What is wrong with the answer: an undocumented status, a body out of shape."""
        operation = self.operation(exchange.method, exchange.path)
        if exchange.status is None or operation is None or exchange.fault in ("truncate", "status"):
            return []
        return [
            f"{exchange.method} {operation.template}: answer {exchange.status}: {problem}"
            for problem in self._answer_problems(operation, exchange, exchange.status)
        ]

    def _answer_problems(self, operation: Operation, exchange: Exchange, status: int) -> list[str]:
        if status not in operation.answers and status not in EVERYWHERE:
            return ["not a documented status"]
        if status == 204:
            return ["has a body"] if exchange.response_body else []
        content_type = exchange.response_headers.get("content-type", "")
        if status >= 400:
            plain = content_type.startswith("application/json")
            told = operation.answers.get(status) or self.errors  # the bulk operations have a form of their own
            return _violations(told, exchange.response_body) if plain else []
        schema = operation.answers.get(status)
        return _violations(schema, exchange.response_body) if schema else []

    @contextmanager
    def watching(self, site: Site, *, requests: bool = True) -> Iterator[Watch]:
        """Checks every exchange of a site; at the end raises AssertionError naming what was wrong.

        `requests=False` leaves the asking side alone, for tests that ask wrongly on purpose.
        """
        watch, before = Watch(), site.on_exchange

        def look(exchange: Exchange) -> None:
            watch.seen += 1
            if len(watch.problems) < MOST_PROBLEMS:
                watch.problems += self.request_problems(exchange) if requests else []
                watch.problems += self.answer_problems(exchange)
            if before is not None:
                before(exchange)

        site.on_exchange = look
        try:
            yield watch
        finally:
            site.on_exchange = before
        assert not watch.problems, "\n".join(dict.fromkeys(watch.problems))


def _fits(template: str, path: str) -> bool:
    pairs = zip(template.split("/"), path.split("/"), strict=True)
    return all(want == have or (want.startswith("{") and have != "") for want, have in pairs)


def _violations(validator: Draft4Validator, body: bytes) -> list[str]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        return [f"not JSON: {broken}"]
    if validator.is_valid(value):
        return []
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


def _query_problems(operation: Operation, query: str) -> list[str]:
    problems = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        schema = operation.query.get(name)
        if schema is None:
            problems.append(f"unknown query parameter {name!r}")
        elif wrong := _parameter_problem(schema, value):
            problems.append(f"query parameter {name}={value!r} {wrong}")
    return problems


def _parameter_problem(schema: Mapping[str, Any], value: str) -> str | None:
    kind = schema.get("type")
    if kind == "array":
        return next((w for v in value.split(",") if (w := _parameter_problem(schema["items"], v))), None)
    if kind == "integer":
        if not _INTEGER.fullmatch(value):
            return "is not an integer"
        if int(value) > schema.get("maximum", int(value)):
            return f"is more than {schema['maximum']}"
    if kind == "boolean" and value not in ("true", "false"):
        return "is neither true nor false"
    if "enum" in schema and value not in schema["enum"]:
        return f"is none of {schema['enum']}"
    return None


def _draft4(node: Any) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema draft 4: `nullable` becomes a second type."""
    if isinstance(node, list):
        return [_draft4(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _draft4(value) for key, value in node.items()}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if "enum" in found:
            found["enum"] = [*found["enum"], None]
    return found
