"""A product service that carries out what customers may use: the receiving side of provisioning.

It knows nothing of the platform but the contract (docs/how-to/write-a-product-service.md) and a
signing secret, and needs only the standard library and ``standardwebhooks``.
"""
