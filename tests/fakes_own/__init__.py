"""The stand-ins themselves are proven, through the clients that others wrote."""
