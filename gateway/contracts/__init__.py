"""OpenAPI contracts of clusters: read, matched with exchanges, judged; what differs is a finding. Pure.

`document` reads files, `contract` finds the operations, `paths` the operation of a request, `schemas` makes JSON Schema
of what the contract says, `judge` compares an exchange with it, `findings` makes one of equal ones, `reports` writes
them.
"""
