"""The partner API: Django REST framework views, and their description."""
