"""The course's own tools, used by lessons and by nothing in the library.

``begin``, ``check``, ``answered`` and ``recorded`` are what a lesson starts with; ``figures``, ``widgets``
and ``diagram`` draw and ask; ``notebooks`` runs and stores the lessons.
"""

from jahp_lib.course.checks import (
    LESSONS,
    TO_COME,
    Lesson,
    NotAnsweredError,
    answered,
    begin,
    check,
    in_colab,
    recorded,
)

__all__ = [
    "LESSONS",
    "TO_COME",
    "Lesson",
    "NotAnsweredError",
    "answered",
    "begin",
    "check",
    "in_colab",
    "recorded",
]
