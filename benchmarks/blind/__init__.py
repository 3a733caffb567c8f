"""An invented cluster, written out as kubectl would show it, with one injected fault a case: see blind_world.py."""
