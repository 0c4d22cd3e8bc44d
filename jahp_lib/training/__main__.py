"""``python -m jahp_lib.training`` is ``jahp train``, with its sentences and exit codes; ``torchrun`` starts
it by this name.
"""

import sys

from jahp_lib.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
