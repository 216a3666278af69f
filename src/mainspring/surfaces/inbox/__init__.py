"""The inbox of development: the mails that would have been sent, for whoever sits at this machine."""

from mainspring.surfaces.inbox.routes import inbox

__all__ = ["inbox"]
