"""One module per library, with one function per kind of work: ``cox(table) -> Work`` and so on.

Whatever prepares the data in the form that the library wants (frames, matrices, indicator columns) happens in the
function and is not timed; only `Work.call` is.
"""
