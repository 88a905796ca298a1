"""Floor 3: load shapes, a file each. A shape says how many users there are at every moment, before anything is sent."""

from perfspec.load.users import Users

__all__ = ["Users"]
