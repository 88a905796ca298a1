"""Floor 3: load shapes, a file each, and who has which part of them. A shape says who is there, or who comes, at every
moment, before anything is sent.
"""

from typing import TypeAlias

from perfspec.load.arrivals import Arrivals, Schedule
from perfspec.load.search import Beyond, Hunt, Search
from perfspec.load.segment import WHOLE, Segment
from perfspec.load.users import Users

__all__ = ["WHOLE", "Arrivals", "Beyond", "Hunt", "Schedule", "Search", "Segment", "Shape", "Users"]

Shape: TypeAlias = Users | Arrivals
