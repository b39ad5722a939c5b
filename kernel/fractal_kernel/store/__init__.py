"""Where tiles and pictures outlive the processes that made them: one interface, a file store and a Redis store.

What is kept under which name, and in which order, is `fractal_api.storage`'s; here is only the input and output.
"""
