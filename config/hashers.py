"""How secrets are kept that nobody chose and nobody remembers."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ClientSecretHasher(PBKDF2PasswordHasher):
    """
    For the secrets of partners' systems. They are long and random: guessing one is hopeless at any speed, while the
    million rounds that a person's password needs would let anybody keep the servers busy by asking for tokens.
    """

    algorithm = "pbkdf2_sha256_client_secret"
    iterations = 1000
