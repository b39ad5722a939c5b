"""The MPI world: ranks that stay up, and render one run after the other for the agent they serve.

`schedule` decides, and nothing else here does; the other modules carry out: `exchange` talks to the other ranks, `link`
to the agent, `kernel` renders on a thread of its own. `root` is rank 0's loop, `worker` the others'. `launch` builds
the command that starts a world. Nothing here may import pydantic or aiohttp, nor block in MPI: a rank stays small, and
an idle one sleeps.
"""
