"""The description of the API, and a page of it that needs nothing from elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from web.pages.rendering import html_page, render
from web.problems import KINDS, MEDIA_TYPE
from worker.refused import NotThere

router = APIRouter(include_in_schema=False)
METHODS = ("get", "put", "post", "patch", "delete")
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "An error (RFC 9457); `type` ends with its name and is stable.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; every operation may answer with a problem."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            openapi_version="3.1.0",
        )
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = PROBLEM
        problem = {
            "description": "A problem",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for path in document["paths"].values():
            for method, operation in path.items():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = problem
                if method == "post":
                    operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
        app.openapi_schema = document
    return app.openapi_schema


IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeated within a day, the call gets its first answer and does nothing again.",
    "schema": {"type": "string", "maxLength": 255},
}


@router.get("/docs")
def show_docs(request: Request) -> Response:
    """Show the description of the API."""
    document = request.app.openapi()
    schemas = document["components"]["schemas"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                entry = {
                    "method": method.upper(),
                    "path": path,
                    "summary": operation.get("summary", ""),
                    "description": operation.get("description", ""),
                    "parameters": operation.get("parameters", []),
                    "body": fields(schema_of(operation.get("requestBody", {})), schemas),
                    "answers": answers(operation["responses"], schemas),
                }
                groups.setdefault(operation["tags"][0], []).append(entry)
    return html_page(render("docs.html", about=document["info"], groups=groups, kinds=KINDS))


@router.get("/problems/{name}")
def show_problem(name: str) -> Response:
    """Show what a problem's type means."""
    if name not in KINDS:
        raise NotThere
    return html_page(render("problem.html", name=name, kind=KINDS[name]))


def answers(responses: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the good answers of an operation: status and fields."""
    return [
        {"status": status, "fields": fields(schema_of(response), schemas)}
        for status, response in responses.items()
        if status != "default"
    ]


def schema_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a body or an answer; empty if it has none."""
    schema: dict[str, Any] = (
        content.get("content", {}).get("application/json", {}).get("schema", {})
    )
    return schema


def fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[tuple[str, str]]:
    """Return names and types of a schema's fields, one level deep."""
    schema = resolved(schema, schemas)
    return [(name, kind(inner, schemas)) for name, inner in schema.get("properties", {}).items()]


def kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return a schema in a word or two."""
    if "$ref" in schema:
        inner = resolved(schema, schemas)
        names = ", ".join(inner.get("properties", {}))
        return f"{{{names}}}" if names else str(inner.get("type", "object"))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind(one, schemas) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"]).lower()
    if schema.get("type") == "array":
        return f"[{kind(schema.get('items', {}), schemas)}]"
    named = str(schema.get("type", "any"))
    return f"{named} ({schema['format']})" if "format" in schema else named


def resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference points to."""
    if "$ref" in schema:
        found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema
