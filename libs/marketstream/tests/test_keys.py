"""Keys are secret: of one that is made only its digest is kept."""

import hashlib

from marketstream.keys import digest_of, new_secret


def test_a_new_secret_is_long_told_by_its_prefix_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("rt_") and len(secret) == 46 for secret in secrets)


def test_a_digest_is_the_sha_256_of_the_secret() -> None:
    assert digest_of("rt_one") == hashlib.sha256(b"rt_one").hexdigest()
