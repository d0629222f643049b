"""The kernel: money, time, ids, events, errors, the API's conventions. Imports no other app."""
