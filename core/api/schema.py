"""The OpenAPI 3.1 document, written from what the operations say of themselves.

Nothing is guessed from models: the same ``Operation`` that a view obeys is shown here, and the same
field that checks a value gives its JSON Schema.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta

from core.api.describing import Operation, operation_of
from core.api.expanding import Expansion
from core.api.field_base import Strict
from core.api.field_patterns import KEY_PATTERN, ref
from core.api.fields import Instant
from core.api.parameters import Parameter
from core.api.schema_parts import (
    SECURITY,
    component,
    problem_response,
    share_responses,
    shared_components,
)
from core.api.schema_problems import problems_of
from core.api.serializers import Input, Output
from core.api.views import ApiView


class Schema(AutoSchema):
    """Describes views by their operations; a view without one is left to drf-spectacular."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any] | None:
        view = self.view
        operation = operation_of(view, method.upper())
        if operation is None or not isinstance(view, ApiView):
            described: dict[str, Any] | None = super().get_operation(
                path, path_regex, path_prefix, method, registry
            )
            return described
        self.registry = registry
        self.path, self.path_regex, self.path_prefix = path, path_regex, path_prefix
        self.method = method.upper()
        document: dict[str, Any] = {
            "operationId": self._operation_id(operation),
            "summary": operation.summary,
            "tags": [operation.tag],
            "parameters": self._parameters(operation),
            "security": self._security(view),
            "responses": self._responses(operation, view),
        }
        if operation.description:
            document["description"] = operation.description
        if operation.input is not None and self.method != "DELETE":
            document["requestBody"] = self._request_body(operation, operation.input)
        return document

    def get_serializer_name(self, serializer: Any, direction: Any) -> str:
        name = type(serializer).__name__
        return name.removesuffix("Out") if isinstance(serializer, Output) else name

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: bool = False
    ) -> Any:
        if field.read_only and isinstance(field.parent, Input):
            return None  # what cannot be written is unknown to an input
        if not isinstance(field, Strict):
            return super()._map_serializer_field(  # type: ignore[no-untyped-call]  # untyped
                field, direction, bypass_extensions
            )
        schema = field.json_schema()
        if isinstance(field, Instant) and direction == "response":
            schema = ref("PreciseInstant")  # what is whole when given may be finer when recorded
        if field.allow_null and "enum" in schema:
            schema = {**schema, "enum": [*schema["enum"], None]}
        meta = self._get_serializer_field_meta(  # type: ignore[no-untyped-call]  # untyped
            field, direction
        )
        return append_meta(schema, meta)

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        done = super()._postprocess_serializer_schema(  # type: ignore[no-untyped-call]  # untyped
            schema, serializer, direction
        )
        return {**done, "additionalProperties": False} if isinstance(serializer, Input) else done

    def _operation_id(self, operation: Operation) -> str:
        words = [re.sub(r"\W+", "_", token).strip("_") for token in self._tokenize_path()]
        actions = {"GET": "retrieve", "PUT": "update", "PATCH": "edit", "DELETE": "delete"}
        action = actions.get(self.method, "create" if 201 in operation.statuses else "")
        if operation.shape == "page":
            action = "list"
        return "_".join(word for word in (*words, action) if word)

    def _parameters(self, operation: Operation) -> list[dict[str, Any]]:
        path = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": f"The {name.replace('_', ' ')}, by its id or key.",
                "schema": {"type": "string", "maxLength": 128, "pattern": KEY_PATTERN},
            }
            for name in re.findall(r"\{(\w+)\}", self.path)
        ]
        query = [self._query_parameter(each) for each in operation.parameters]
        headers = ["RequestId"]
        headers += ["IdempotencyKey"] if self._is_idempotent(operation) else []
        headers += ["IfMatch"] if operation.matchable else []
        headers += ["IfNoneMatch"] if operation.conditional else []
        headers += ["Reason"] if operation.takes_reason else []
        return [*path, *query, *(component("parameters", name) for name in headers)]

    def _query_parameter(self, parameter: Parameter) -> dict[str, Any]:
        schema = self._map_serializer_field(parameter.field, "request")
        commas = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
        return {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.description,
            **commas,
            "schema": schema,
        }

    def _security(self, view: ApiView) -> list[dict[str, list[str]]]:
        if view.public:
            return []
        scope = view.scopes.get(self.method)
        return [{SECURITY: [] if scope is None else [scope.value]}]

    def _request_body(self, operation: Operation, shape: type[Input]) -> dict[str, Any]:
        resolved = self.resolve_serializer(shape, "request")
        content: dict[str, Any] = {"schema": resolved.ref if resolved else {"type": "object"}}
        if operation.request_example is not None:
            content["example"] = operation.request_example
        needed = any(field.required for field in shape().fields.values())
        return {"required": needed, "content": {"application/json": content}}

    def _responses(self, operation: Operation, view: ApiView) -> dict[str, Any]:
        responses = {str(status): self._success(operation, status) for status in operation.statuses}
        if operation.conditional:
            responses["304"] = {
                "description": "The caller has it already.",
                "headers": {
                    "X-Request-Id": component("headers", "RequestId"),
                    "ETag": component("headers", "ETag"),
                },
            }
        problems = problems_of(operation, view=view, method=self.method, path=self.path)
        for status, errors in sorted(problems.items()):
            responses[str(status)] = problem_response(status, errors)
        return responses

    def _is_idempotent(self, operation: Operation) -> bool:
        return operation.idempotent and self.method == "POST"

    def _success(self, operation: Operation, status: int) -> dict[str, Any]:
        headers = {"X-Request-Id": component("headers", "RequestId")}
        if operation.conditional:
            headers["ETag"] = component("headers", "ETag")
        if operation.shape == "change":
            headers["Entitlement-Revision"] = component("headers", "Revision")
        if self._is_idempotent(operation):
            headers["Idempotent-Replayed"] = component("headers", "Replayed")
        for name, description in (operation.headers or {}).items():
            headers[name] = {"description": description, "schema": {"type": "string"}}
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase, "headers": headers}
        empty = operation.output is None and operation.shape != "change"
        if empty or status == HTTPStatus.NO_CONTENT:
            return response
        content: dict[str, Any] = {"schema": self._answer_schema(operation)}
        if operation.response_example is not None:
            content["example"] = _example(operation)
        return {**response, "content": {"application/json": content}}

    def _answer_schema(self, operation: Operation) -> dict[str, Any]:
        if operation.output is None:
            return self._shared("NothingChanged", _changed({"type": "null"}))
        name = operation.output.__name__.removesuffix("Out")
        inner = self.resolve_serializer(operation.output, "response").ref
        if operation.expandable:
            name, inner = self._expandable(name, operation.output, operation.expandable)
        if operation.shape == "page":
            return self._shared(f"{name}Page", _page(inner))
        if operation.shape == "change":
            return self._changed(name, inner, operation.outcome)
        return dict(inner)

    def _expandable(
        self, name: str, output: type[Output], expandable: Mapping[str, Expansion]
    ) -> tuple[str, dict[str, Any]]:
        """Describe a resource whose relations are names or, where asked for, whole objects."""
        schema = self.resolve_serializer(output, "response").schema
        members = dict(schema["properties"])
        relations = sorted(expandable)
        for relation in relations:
            whole = self.resolve_serializer(expandable[relation].output, "response").ref
            members[relation] = {"oneOf": [members[relation], whole]}
        wide = f"{name}With{''.join(each.title().replace('_', '') for each in relations)}"
        return wide, self._shared(wide, {**schema, "properties": members})

    def _changed(
        self, name: str, inner: dict[str, Any], outcome: type[Output] | None
    ) -> dict[str, Any]:
        if outcome is None:
            return self._shared(f"{name}Changed", _changed(inner))
        more = self.resolve_serializer(outcome, "response").ref
        whole = {"allOf": [_changed(inner), more]}
        return self._shared(f"{name}Changed{outcome.__name__.removesuffix('Out')}", whole)

    def _shared(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        part = ResolvedComponent(  # type: ignore[no-untyped-call]  # untyped
            name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name
        )
        self.registry.register_on_missing(part)
        return dict(part.ref)


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add what operations refer to (drf-spectacular's ``POSTPROCESSING_HOOKS``)."""
    components = result.setdefault("components", {})
    components["responses"] = share_responses(result["paths"])
    for kind, parts in shared_components().items():
        components[kind] = dict(sorted({**components.get(kind, {}), **parts}.items()))
    return result


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["data", "next_cursor"],
        "properties": {
            "data": {"type": "array", "items": item},
            "next_cursor": {
                "type": ["string", "null"],
                "description": "The `cursor` of the next page; null on the last one.",
            },
        },
    }


def _changed(resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["resource", "changes", "revision", "provisioning"],
        "properties": {
            "resource": resource,
            "changes": {"type": "array", "items": ref("FieldChange")},
            "revision": {
                "type": ["string", "null"],
                "description": "Give it as `at_least` to see this change in entitlements.",
            },
            "provisioning": {"oneOf": [ref("ProvisioningStatus"), {"type": "null"}]},
        },
    }


def _example(operation: Operation) -> Any:
    """Put the example of a resource into what surrounds it."""
    example = operation.response_example
    if operation.shape == "page":
        return {"data": [example], "next_cursor": None}
    if operation.shape == "change":
        more = operation.outcome.example if operation.outcome else {}
        return {"resource": example, "changes": [], "revision": None, "provisioning": None, **more}
    return example
