"""The contract, made from the types and the catalogue: OpenAPI of what is asked over HTTP, AsyncAPI of the sockets."""

from hub.contract.asyncapi import asyncapi
from hub.contract.openapi import openapi

__all__ = ["asyncapi", "openapi"]
