"""How the platform is started: on one machine (`local`) and in containers."""
