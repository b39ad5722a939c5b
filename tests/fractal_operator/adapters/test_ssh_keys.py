import subprocess
from pathlib import Path

from fractal_operator.adapters import ssh_keys


def test_ssh_reads_a_key_that_was_made_here(tmp_path: Path) -> None:
    key = ssh_keys.generate()
    file = tmp_path / "key"
    file.write_text(key.private)
    file.chmod(0o600)

    told = subprocess.run(["ssh-keygen", "-y", "-f", str(file)], capture_output=True, text=True, check=True)

    assert told.stdout.split()[:2] == key.public.split()
    assert key.public.startswith("ssh-ed25519 ")


def test_no_two_keys_are_the_same() -> None:
    assert ssh_keys.generate().public != ssh_keys.generate().public


def test_a_key_is_not_shown() -> None:
    key = ssh_keys.generate()

    assert key.private not in repr(key)
