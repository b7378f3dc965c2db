"""Shape of an OpenAPI document, as far as it is relied on, as JSON schemas."""

from __future__ import annotations

from runner.catalogue.schemas.normalize import METHODS

_OPERATION = {
    "type": "object",
    "properties": {
        "operationId": {"type": "string"},
        "summary": {"type": "string"},
        "description": {"type": "string"},
        "parameters": {"type": "array", "items": {"type": "object"}},
        "requestBody": {"type": "object"},
        "responses": {"type": "object", "additionalProperties": {"type": "object"}},
    },
}
DOCUMENT = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {
        "openapi": {"type": "string"},
        "info": {"type": "object"},
        "servers": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["url"],
                "properties": {"url": {"type": "string"}},
            },
        },
        "security": {"type": "array", "items": {"type": "object"}},
        "paths": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "parameters": {"type": "array", "items": {"type": "object"}},
                    **dict.fromkeys(METHODS, _OPERATION),
                },
            },
        },
        "components": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}},
            "properties": {
                "securitySchemes": {
                    "additionalProperties": {
                        "required": ["type"],
                        "properties": {
                            "type": {
                                "enum": ["apiKey", "http", "oauth2", "openIdConnect", "mutualTLS"]
                            }
                        },
                        "if": {"properties": {"type": {"const": "apiKey"}}},
                        "then": {
                            "required": ["in", "name"],
                            "properties": {
                                "in": {"enum": ["header", "query", "cookie"]},
                                "name": {"type": "string"},
                            },
                        },
                    }
                }
            },
        },
    },
}
"""The parts that loading relies on; other parts are not checked."""

PARAMETER = {
    "type": "object",
    "required": ["name", "in"],
    "properties": {
        "name": {"type": "string"},
        "in": {"enum": ["path", "query", "header", "cookie"]},
        "required": {"type": "boolean"},
        "schema": {"type": "object"},
    },
}
