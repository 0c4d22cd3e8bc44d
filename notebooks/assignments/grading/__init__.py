"""What grades hand-ins of the problem sets: the instructor's tool, and no part of what students get.

It stands beside nbgrader's settings, which use half of it, and not in ``jahp_lib``: the library works without
nbgrader, and all of it goes into the students' copy of the repository. In the order of the work:

    handins.py    is this a hand-in that can be graded, and if not, why not; its cells are put in order
    execute.py    runs it to the end in bounded time, whatever its cells do
    sandbox.py    keeps what it runs without network and inside its own folder
    worker.py     the three above, for one hand-in, in a process of its own
    grade.py      `make grade`: many hand-ins at a time, one process that writes the gradebook, a summary
    export.py     grades.csv, in which "could not be graded" differs from zero points
    students.py   `make students`: a copy of the repository without anything that students must not see
"""
