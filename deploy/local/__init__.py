"""The launcher behind bin/run, bin/test and bin/check. Reading starts in `run.py`.

Modules import third-party packages inside functions: the first thing a command does on a new
machine is to install them, in the same process.
"""
