"""GoTrue's wire at `/auth/v1`: signing up, in and out, one's own account, and users as the service key sees them."""

from mainspring.surfaces.auth.routes import AuthSurface

__all__ = ["AuthSurface"]
