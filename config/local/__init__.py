"""For one machine: the set-up, `make run`, the embedded servers and `make check`."""
