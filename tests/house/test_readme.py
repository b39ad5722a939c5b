"""What the README shows is true."""

import re

import yaml
from support.checkout import ROOT

from fractal_api.manifests import parse_job

README = (ROOT / "README.md").read_text()


def test_the_job_in_the_readme_is_a_valid_one() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)

    assert parse_job(yaml.safe_load(block)).metadata.name == "valley"


def test_every_example_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"examples/[\w-]+\.yaml", README))

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
