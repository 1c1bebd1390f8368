"""The password hasher for the client secrets of partners' systems."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ClientSecretHasher(PBKDF2PasswordHasher):
    """
    PBKDF2 with few rounds, for secrets that the service generates.

    They are long and random, so nobody can guess one at any speed. With the million rounds that a person's password
    needs, anybody could keep the servers busy by asking for tokens.
    """

    algorithm = "pbkdf2_sha256_client_secret"
    iterations = 1000
