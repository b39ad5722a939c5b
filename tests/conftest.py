"""What holds for every test: property tests have no deadline of their own, since a machine may be busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
