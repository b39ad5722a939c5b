"""The life of jobs, many times over: see tests/fractal_operator/services/test_life_of_jobs.py."""

import logging
import os
import secrets

import pytest
from support.operator_life import live


@pytest.mark.soak
def test_a_job_is_rendered_exactly_once_many_times() -> None:
    logging.disable(logging.CRITICAL)
    try:
        for _ in range(int(os.environ.get("FRACTAL_SOAK", "1"))):
            live(secrets.randbits(32), examples=100, steps=50)
    finally:
        logging.disable(logging.NOTSET)
