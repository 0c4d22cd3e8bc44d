"""Problem sets are not lessons: their empty cells fail on purpose, so nbval leaves them alone.

tests/assignments grades them.
"""

collect_ignore_glob = ["*.ipynb"]
