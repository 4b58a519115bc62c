"""A server that speaks HTTP as Google does: OAuth, Gmail, Pub/Sub pushes, security events."""

from tests.fakes.google.google import CLIENT_ID, CLIENT_SECRET, TOPIC, Google
from tests.fakes.google.person import Person
from tests.fakes.google.pushes import Forgery

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "TOPIC", "Forgery", "Google", "Person"]
