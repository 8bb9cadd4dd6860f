"""The nouns of the product: frozen values without I/O, and nothing that only one platform knows.

They are msgspec Structs, not dataclasses: creating one costs a tenth at import time, which the Action pays on
every run, and the JSON form that the schemas publish is checked on the way in for free.
"""
