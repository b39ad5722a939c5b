"""How kopf logs in: with the credentials that the rest of the process has, and with an ear on its watches."""

import kopf

from fractal_operator.adapters.kopf_session import open_session
from fractal_operator.handlers.office import Office
from fractal_operator.handlers.registry import REGISTRY


@kopf.on.login(registry=REGISTRY, errors=kopf.ErrorsMode.TEMPORARY)
async def log_in(*, memo: Office, **_: object) -> kopf.AiohttpSession:
    """A session of its own for kopf, which closes it."""
    server, session = open_session(memo.api, memo.pulse)
    return kopf.AiohttpSession(server=server, aiohttp_session=session)
