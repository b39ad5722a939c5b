"""The hot loops, in C headers behind thin Cython, each with a documented door in Python that checks what comes in."""
