"""Errors of the scripted experts."""

from vla_mbpo.errors import VlaMbpoError


class UnreachableError(VlaMbpoError):
    """No pose of the arm does what the task needs."""
