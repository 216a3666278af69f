"""PostgREST's wire at `/rest/v1/{table}`: from a request to a query, from a result to a response."""

from mainspring.surfaces.rest.routes import RestSurface

__all__ = ["RestSurface"]
