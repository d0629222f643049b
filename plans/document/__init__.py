"""The catalog as one document: read it, check it, compare it. Pure; no database.

``text`` reads YAML or JSON into a tree, ``sections`` the tree into normal forms, ``rules`` checks
how the objects fit together, ``difference`` says what applying it would do.
"""
